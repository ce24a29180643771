/** A line as it may be shown: what a carriage return would have overwritten is gone, control characters and escape sequences too. */
export function safeText(line: string): string {
  const last = line.replace(/\r+$/, '');
  return visible(last.slice(last.lastIndexOf('\r') + 1));
}

/** A text of several lines as it may be shown: without control characters and escape sequences, but with its line ends. */
export function safeLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

/** The same for programs that cut lines into fields: with its tabs. */
export function safeFields(text: string): string {
  return text.split('\t').map(safeLines).join('\t');
}

/** JSON whose strings hold no character that a terminal would obey; a reader gets the same values. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    /[\u007f-\u009f]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

function visible(text: string): string {
  return text
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b./g, '')
    .replaceAll('\t', '    ')
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '');
}
