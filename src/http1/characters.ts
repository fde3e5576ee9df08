/**
 * Which bytes may stand where, as nginx 1.22 reads them (ngx_http_parse.c).
 * Tables are indexed by the byte.
 */

/** A byte of a header field name that no field may have: the message is malformed. */
export const NAME_FORBIDDEN = 0
/** Letters, digits and `-`. */
export const NAME_PLAIN = 1
/** Anything else: legal, but the field is ignored (nginx: ignore_invalid_headers, underscores_in_headers off). */
export const NAME_IGNORED = 2

export const NAME_BYTES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte <= 0x20 || byte === 0x7f) return NAME_FORBIDDEN
  return /[A-Za-z0-9-]/.test(String.fromCharCode(byte)) ? NAME_PLAIN : NAME_IGNORED
})

/** 1 for a byte that may stand in a request target: no control byte, no space, no DEL. */
export const TARGET_BYTES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => byte <= 0x20 || byte === 0x7f ? 0 : 1)

/** Value of a hexadecimal digit; 255 for any other byte. */
export const HEX_VALUES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16)
  return Number.isNaN(value) ? 255 : value
})
