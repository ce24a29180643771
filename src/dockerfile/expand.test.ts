import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandWord, MAX_EXPANDED } from './expand.ts';

const env = new Map([
  ['v', 'value'],
  ['empty', ''],
  ['path', '/usr/lib/libx.so.1.2'],
  ['a', 'aXbXc'],
  ['PWD', '/home'],
  ['ä', 'umlaut'],
  ['q', 'say "hi"'],
]);
const open = '${';

describe('expandWord', () => {
  it.each(table())('%s is %s', (word, want) => {
    const { text, error } = expandWord(word, env);
    expect(error === undefined ? text : `! ${error}`).toBe(want);
  });

  it('takes the escape character of the directive', () => {
    expect(expandWord('`$v \\a', env, { escape: '`' }).text).toBe('$v \\a');
    expect(expandWord('"`$v"', env, { escape: '`' }).text).toBe('$v');
  });

  it('keeps quotes in heredoc bodies and still takes escapes away', () => {
    const text = expandWord(`it's "$v" \\$v \\\\ ${open}unset:-"x"}\n`, env, { keepQuotes: true }).text;
    expect(text).toBe('it\'s "value" $v \\ "x"\n');
  });

  it('splits words only where blanks stood unquoted', () => {
    const ports = new Map([['ports', ' 80  443/tcp ']]);
    expect(expandWord('$ports', ports).words).toEqual(['80', '443/tcp']);
    expect(expandWord('"$ports"', ports).words).toEqual([' 80  443/tcp ']);
    expect(expandWord(`a${open}ports}b`, ports).words).toEqual(['a', '80', '443/tcp', 'b']);
    expect(expandWord('$none', ports).words).toEqual([]);
  });

  it('names what is not set, but not where a default answers', () => {
    expect(expandWord(`$x ${open}y} ${open}z:-d} $1 $v`, env).unset).toEqual(['x', 'y']);
  });

  it('stops words that grow without end', () => {
    let big = new Map([['b', 'x'.repeat(4096)]]);
    for (let i = 0; i < 10; i++) {
      const { text, error } = expandWord('$b$b', big);
      if (error !== undefined) {
        expect(error).toContain(String(MAX_EXPANDED));
        return;
      }
      big = new Map([['b', text]]);
    }
    expect.unreachable();
  });

  it('stops words nested without end', () => {
    expect(expandWord(`${open}x:-`.repeat(20_000), env).error).toBe('variables are nested too deep');
  });

  it('never throws, whatever the word', () => {
    const part = fc.constantFrom(
      '$',
      '{',
      '}',
      ':',
      '-',
      '+',
      '?',
      '#',
      '%',
      '/',
      '"',
      "'",
      '\\',
      'v',
      ' ',
      '*',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
        expect(expandWord(parts.join(''), env)).toHaveProperty('text');
      }),
      { numRuns: 2000 },
    );
  });

  it('is the identity on words that mean nothing special', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9/._=,: -]*$/), (word) => {
        expect(expandWord(word, env).text).toBe(word);
      }),
    );
  });
});

/** The rows of golden/words.txt. */
function table(): [word: string, want: string][] {
  const text = readFileSync(new URL('golden/words.txt', import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# '))
    .map((line) => {
      const cut = line.lastIndexOf(' |');
      return [line.slice(0, cut).trimEnd(), line.slice(cut + 3)];
    });
}
