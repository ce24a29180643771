/** A line as it may be shown: what a carriage return would have overwritten is gone, control characters and escape sequences too. */
export function safeText(line: string): string {
  const last = line.replace(/\r+$/, '');
  return last
    .slice(last.lastIndexOf('\r') + 1)
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b./g, '')
    .replaceAll('\t', '    ')
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '');
}
