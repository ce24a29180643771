import { cliError } from './errors.ts';

/** docker's: Ctrl-P, Ctrl-Q. */
export const USUAL_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** The bytes of keys as docker writes them: letters, and `ctrl-` with a letter or one of `@ [ \ ] ^ _`, with commas between; none for ''. @throws CLI_USAGE */
export function parseDetachKeys(command: string, text: string): readonly number[] {
  if (text === '') return [];
  return text.split(',').map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
    if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
    const problem = `--detach-keys has "${key}", want a letter or ctrl- and a letter`;
    throw cliError('CLI_USAGE', { command, problem });
  });
}

/** What of the typed bytes goes on, and whether the keys were typed: those that may be their beginning are held back until that is known. */
export function createKeyWatch(
  keys: readonly number[],
): (typed: Uint8Array) => { readonly pass: Uint8Array; readonly detached: boolean } {
  let matched = 0;
  return (typed) => {
    const pass: number[] = [];
    for (const byte of typed) {
      if (keys.length > 0 && byte === keys[matched]) {
        matched++;
        if (matched === keys.length) return { pass: Uint8Array.from(pass), detached: true };
        continue;
      }
      pass.push(...keys.slice(0, matched));
      matched = 0;
      if (keys.length > 0 && byte === keys[0]) matched = 1;
      else pass.push(byte);
    }
    return { pass: Uint8Array.from(pass), detached: false };
  };
}
