/** docs/command-line.md, from what the commands say of themselves. */
import { COMMANDS } from '../src/cli/commands.ts'
import { CONFIG_PLACES, ENVIRONMENT, EXIT_CODES, helpOf, PROGRAM } from '../src/cli/help.ts'
import type { Command } from '../src/cli/command.ts'

export async function commandLinePage (): Promise<string> {
  const commands = await Promise.all(COMMANDS.map(({ load }) => load()))
  return `# Command line

Printed from the commands (\`src/cli/commands.ts\`); do not edit. \`${PROGRAM} help COMMAND\` prints the same in a terminal;
\`npm start -- ARGS\` is \`${PROGRAM} start ARGS\`.

| command | what it does |
|---|---|
${commands.map(({ name, summary }) => `| [\`${name}\`](#${name}) | ${summary} |`).join('\n')}

**The configuration** is the first of these that there is:

${CONFIG_PLACES.map((place, i) => `${i + 1}. ${place}`).join('\n')}

**Exit codes**

| code | means |
|---|---|
${EXIT_CODES.map(([code, means]) => `| ${code} | ${means} |`).join('\n')}

**Environment**

| variable | what it is for |
|---|---|
${ENVIRONMENT.map(([name, what]) => `| \`${name}\` | ${what} |`).join('\n')}

**Completion**: \`source <(${PROGRAM} completion bash)\`; see [completion](#completion) for zsh, fish, and for good.
${commands.map(section).join('')}`
}

function section (command: Command): string {
  return `
## ${command.name}

\`\`\`
${helpOf(command)}\`\`\`
`
}
