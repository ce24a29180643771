import type { Terminal } from '../../src/cli/terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** A terminal that remembers what was printed; no tty unless said otherwise. */
export function fakeTerminal(o: Partial<Terminal> & { readonly width?: number } = {}): FakeTerminal {
  let out = '';
  let err = '';
  return {
    out: async (text) => {
      out += typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
    },
    err: (text) => {
      err += text;
    },
    outIsTty: false,
    errIsTty: false,
    inIsTty: false,
    columns: () => o.width ?? 80,
    rows: () => 24,
    colour: false,
    stdin: async function* () {},
    listen: (_raw, take) => {
      take(undefined);
      return () => {};
    },
    onResize: () => () => {},
    isWhole: false,
    interrupt: () => {},
    ...o,
    stdout: () => out,
    stderr: () => err,
  };
}

/** What a screen shows after this output: cursor up, erase below, carriage returns and new lines are followed. */
export function screenOf(output: string): string[] {
  const lines: string[] = [''];
  let row = 0;
  for (const part of output.split(/(\u001b\[\??\d*[A-Za-z]|\n|\r)/)) {
    const up = /^\u001b\[(\d*)A$/.exec(part);
    if (up !== null) row = Math.max(0, row - Number(up[1] || 1));
    else if (part === '\u001b[J') {
      lines.length = row + 1;
      lines[row] = '';
    } else if (part === '\n') {
      row++;
      lines[row] ??= '';
    } else if (part !== '\r' && !part.startsWith('\u001b')) lines[row] = (lines[row] ?? '') + part;
  }
  return lines.filter((line, at) => line !== '' || at < lines.length - 1);
}
