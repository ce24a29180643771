import { describe, expect, it } from 'vitest';
import { createKeyReader, type Typed } from './read-keys.ts';

/** What is read of these pieces. */
function read(...pieces: readonly (string | Buffer)[]): string[] {
  const typed: string[] = [];
  const reader = createKeyReader((each: Typed) =>
    typed.push('key' in each ? each.key : `pasted ${each.pasted}`),
  );
  for (const piece of pieces) reader.read(Buffer.from(piece));
  reader.stop();
  return typed;
}

describe('keys', () => {
  it.each([
    ['j', ['j']],
    ['\u0001\u0012\r\u0015', ['ctrl+a', 'ctrl+r', 'enter', 'ctrl+u']],
    ['\u0000\u001f\t\u007f\b', ['ctrl+space', 'ctrl+/', 'tab', 'backspace', 'backspace']],
    ['\u001b[A\u001bOB\u001b[5~\u001b[6~', ['up', 'down', 'pageup', 'pagedown']],
    ['\u001b[H\u001b[4~\u001b[1~\u001b[F', ['home', 'end', 'home', 'end']],
    ['\u001b[1;5A', ['up']],
    ['\u001b[109;5u\u001b[13u\u001b[27u', ['ctrl+m', 'enter', 'esc']],
    ['\u001b[<0;10;10Mq', ['q']],
    ['é語🚀', ['é', '語', '🚀']],
    ['\u001bj', ['esc', 'j']],
    ['\u001b\u001b[A', ['esc', 'up']],
    ['\u001b[200~two\nlines\u001b[201~q', ['pasted two\nlines', 'q']],
  ])('%j is %j', (bytes, want) => {
    expect(read(bytes)).toEqual(want);
    // In pieces of one byte each too; only a lone escape waits for what follows.
    expect(read(...[...Buffer.from(bytes)].map((byte) => Buffer.from([byte])))).toEqual(want);
  });

  it('take a lone escape for the key when nothing follows', async () => {
    const key = await new Promise<Typed>((resolve) => {
      createKeyReader(resolve).read(Buffer.from('\u001b'));
    });
    expect(key).toEqual({ key: 'esc' });
  });

  it('bound what is pasted', () => {
    const [pasted] = read(`\u001b[200~${'x'.repeat(100_000)}\u001b[201~`);
    expect(pasted).toHaveLength('pasted '.length + 4096);
  });
});
