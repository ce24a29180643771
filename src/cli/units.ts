/** docker's size: decimal, up to four significant digits (`7.46MB`, `128MB`, `0B`). */
export function formatDockerSize(bytes: number): string {
  const { value, unit } = scale(bytes);
  return `${trimDigits(value, 4)}${unit}`;
}

/** Our own size: decimal, one digit, a blank (`12.4 MB`; bytes whole). */
export function formatSize(bytes: number): string {
  const { value, unit } = scale(bytes);
  return unit === 'B' ? `${value} B` : `${value.toFixed(1)} ${unit}`;
}

function scale(bytes: number): { value: number; unit: string } {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return { value, unit: units[at]! };
}

/** C's `%.Ng`: at most `digits` significant digits, no trailing zeros. */
function trimDigits(value: number, digits: number): string {
  return String(Number(value.toPrecision(digits)));
}

/** docker's age: `5 seconds`, `About a minute`, `13 days`. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.floor(minutes / 60 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  const days = Math.floor(minutes / 60 / 24);
  if (hours < 24 * 7 * 2) return `${days} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(days / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(days / 30)} months`;
  return `${Math.floor(days / 365)} years`;
}

/** A duration for people: `0.3s`, `12.0s`, `2m 05s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)}s`;
  return `${Math.floor(seconds / 60)}m ${String(Math.floor(seconds % 60)).padStart(2, '0')}s`;
}

/** The twelve digits of an id that docker shows. */
export const shortId = (digest: string): string =>
  digest.slice(digest.indexOf(':') + 1, digest.indexOf(':') + 13);
