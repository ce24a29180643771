import { describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../test/support/fake-terminal.ts';
import { createPrompt } from './prompt.ts';

/** A terminal on which these chunks are typed, one for each turn; with what was switched and when. */
function typing(...chunks: readonly (string | undefined)[]) {
  const switched: string[] = [];
  const left = [...chunks];
  const stop = new AbortController();
  const terminal = fakeTerminal({
    listen: (raw, take) => {
      switched.push(raw ? 'raw' : 'cooked');
      let on = true;
      const next = (): void => {
        if (!on || left.length === 0) return;
        const chunk = left.shift();
        take(chunk === undefined ? undefined : Buffer.from(chunk, 'utf8'));
        setImmediate(next);
      };
      setImmediate(next);
      return () => {
        on = false;
        switched.push('off');
      };
    },
    interrupt: () => stop.abort(),
  });
  return { terminal, switched, stop, prompt: createPrompt(terminal, { signal: stop.signal }) };
}

describe('a prompt', () => {
  it('asks one question after the other, the secret one raw', async () => {
    const { prompt, switched, terminal } = typing('ann\n', 'p', 'w\r');
    expect(await prompt.line('User: ')).toBe('ann');
    expect(await prompt.secret('Password: ')).toBe('pw');
    expect(switched).toEqual(['cooked', 'off', 'raw', 'off']);
    expect(terminal.stderr()).toBe('User: Password: \n');
  });
  it('keeps what was typed ahead for the next question', async () => {
    const { prompt } = typing('ann\npw\n');
    expect([await prompt.line('User: '), await prompt.secret('Password: ')]).toEqual(['ann', 'pw']);
  });
  it.each([
    ['ab\u007fc\r', 'ac'],
    ['aü\b\r', 'a'],
    ['a😀\u007fb\r', 'ab'],
    ['\u007f\u007fa\r', 'a'],
    ['wrong\u0015right\r', 'right'],
    ['a\u0004b\r', 'ab'],
    ['ta\tb\r', 'tab'],
    ['pass: wörd \r', 'pass: wörd '],
  ])('has the keys for rubbing out in %j', async (typed, answer) =>
    expect(await typing(typed).prompt.secret('')).toBe(answer),
  );
  it.each([['\u0004'], [undefined]])('has no answer at the end of input (%j)', async (typed) =>
    expect(await typing(typed).prompt.secret('')).toBeUndefined(),
  );
  it('takes a last line without an end', async () =>
    expect(await typing('ann', undefined).prompt.line('')).toBe('ann'));
  it('leaves the terminal whole at Ctrl-C', async () => {
    const { prompt, switched, stop } = typing('sec', '\u0003never\r', 'never\r');
    await expect(prompt.secret('Password: ')).rejects.toThrow(/abort/);
    expect(switched).toEqual(['raw', 'off']);
    expect(stop.signal.aborted).toBe(true);
  });
  it('leaves the terminal whole at any other interruption', async () => {
    const { prompt, switched, stop } = typing();
    const asked = prompt.line('User: ');
    stop.abort(new Error('stopped'));
    await expect(asked).rejects.toThrow('stopped');
    expect(switched).toEqual(['cooked', 'off']);
  });
});
