/** Dates in request headers as nginx 1.22 reads them (ngx_parse_http_time): three formats, the name of the day ignored. */

const RFC_1123 = /^(\d\d) ([^]{3}) (\d{4}) (\d\d):(\d\d):(\d\d)/
const RFC_850 = /^(\d\d)-([^]{3})-(\d\d) (\d\d):(\d\d):(\d\d)/
const ASCTIME = /^([^]{3})[^] ?(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})/
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Seconds since the epoch; `null` when it is no date. */
export function parseHttpTime (value: string): number | null {
  const dayEnd = /[ ,]/.exec(value)
  if (dayEnd === null) return null
  const rest = value.slice(dayEnd.index + 1).replace(/^ +/, '')

  if (dayEnd[0] === ' ') {
    const [, month = '', day, hour, minute, second, year] = ASCTIME.exec(rest) ?? []
    return secondsOf(Number(year), monthOf(month), Number(day), Number(hour), Number(minute), Number(second))
  }
  const long = RFC_1123.exec(rest)
  const [, day, month = '', year, hour, minute, second] = long ?? RFC_850.exec(rest) ?? []
  const fullYear = long !== null ? Number(year) : Number(year) + (Number(year) < 70 ? 2000 : 1900)
  return secondsOf(fullYear, monthOf(month), Number(day), Number(hour), Number(minute), Number(second))
}

/** nginx looks no further than it must: `Jxn` is June. -1 when no month starts so. */
function monthOf (name: string): number {
  switch (name[0]) {
    case 'J': return name[1] === 'a' ? 0 : name[2] === 'n' ? 5 : 6
    case 'F': return 1
    case 'M': return name[2] === 'r' ? 2 : 4
    case 'A': return name[1] === 'p' ? 3 : 7
    case 'S': return 8
    case 'O': return 9
    case 'N': return 10
    case 'D': return 11
    default: return -1
  }
}

/** @param year - NaN, as the others, when no format matched. */
function secondsOf (year: number, month: number, day: number, hour: number, minute: number, second: number): number | null {
  if (Number.isNaN(year) || month === -1 || hour > 23 || minute > 59 || second > 59) return null
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (day > (DAYS[month] as number) && !(leap && month === 1 && day === 29)) return null
  return Date.UTC(year, month, day, hour, minute, second) / 1000
}
