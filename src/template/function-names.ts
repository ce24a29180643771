/** Every function a template may call: Go's own, and those that docker adds. */
export const FUNCTION_NAMES: ReadonlySet<string> = new Set([
  ...['and', 'or', 'not', 'len', 'index', 'slice', 'print', 'printf', 'println', 'html', 'urlquery'],
  ...['eq', 'ne', 'lt', 'le', 'gt', 'ge'],
  ...['json', 'join', 'split', 'lower', 'upper', 'title', 'pad', 'truncate'],
]);
