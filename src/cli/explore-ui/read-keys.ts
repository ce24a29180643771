import { StringDecoder } from 'node:string_decoder';

/** What is typed: a character, the name of a key (`up`, `ctrl+a`, `esc`), or a text that was pasted. */
export type Typed = { readonly key: string } | { readonly pasted: string };

/** Milliseconds after which a lone escape is the key and not the beginning of another. */
const ESCAPE_MS = 50;
/** Of what is pasted; nothing here is longer. */
const MAX_PASTED = 4096;

export interface KeyReader {
  read(bytes: Uint8Array): void;
  stop(): void;
}

/** Gives keys as their bytes come, in whatever pieces. */
export function createKeyReader(take: (typed: Typed) => void): KeyReader {
  const decoder = new StringDecoder('utf8');
  let pending = '';
  let pasting: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  const consume = (final: boolean): void => {
    while (pending !== '') {
      if (pasting !== undefined) {
        if (!takePasted()) return;
        continue;
      }
      const { key, length } = nextKey(pending, final);
      if (length === 0) return;
      pending = pending.slice(length);
      if (key === 'paste') pasting = '';
      else if (key !== undefined) take({ key });
    }
  };
  /** True if the paste is over. */
  const takePasted = (): boolean => {
    const end = pending.indexOf(PASTE_END);
    // The mark of the end may come in two pieces.
    const upTo = end < 0 ? Math.max(0, pending.length - PASTE_END.length) : end;
    pasting = (pasting! + pending.slice(0, upTo)).slice(0, MAX_PASTED);
    pending = pending.slice(end < 0 ? upTo : end + PASTE_END.length);
    if (end < 0) return false;
    take({ pasted: pasting });
    pasting = undefined;
    return true;
  };

  return {
    read(bytes) {
      clearTimeout(timer);
      pending += decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      consume(false);
      if (pending !== '' && pasting === undefined) timer = setTimeout(() => consume(true), ESCAPE_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

const PASTE_END = '\u001b[201~';

interface Next {
  /** Undefined for what is no key here. */
  readonly key?: string | undefined;
  /** Characters it took; 0 if more must come first. */
  readonly length: number;
}

const CONTROLS: Readonly<Record<number, string>> = {
  0: 'ctrl+space',
  8: 'backspace',
  9: 'tab',
  10: 'enter',
  13: 'enter',
  27: 'esc',
  31: 'ctrl+/',
  127: 'backspace',
};
const FINALS: Readonly<Record<string, string>> = {
  A: 'up', B: 'down', C: 'right', D: 'left', H: 'home', F: 'end', Z: 'shift+tab',
}; // biome-ignore format: a table
const NUMBERED: Readonly<Record<string, string>> = {
  '1': 'home', '3': 'delete', '4': 'end', '5': 'pageup', '6': 'pagedown', '7': 'home', '8': 'end', '200': 'paste',
}; // biome-ignore format: a table

function nextKey(text: string, final: boolean): Next {
  const code = text.codePointAt(0)!;
  if (code !== 27) {
    const character = String.fromCodePoint(code);
    if (code >= 32 && code !== 127) return { key: character, length: character.length };
    return { key: CONTROLS[code] ?? `ctrl+${String.fromCharCode(code + 96)}`, length: 1 };
  }
  const sequence = /^\u001b(?:\[([0-9;:<=>?]*)([ -/]*[@-~])|O([ -~]))/.exec(text);
  if (sequence !== null) {
    const [all, numbers = '', end = '', single = ''] = sequence;
    return { key: sequenceKey(numbers, end || single), length: all.length };
  }
  if (/^\u001b(?:O|\[[0-9;:<=>? -/]*)?$/.test(text) && !final) return { length: 0 };
  // With the key that Alt makes of it, or what is left of a sequence that never ended.
  if (text.length > 1 && text[1] !== '\u001b' && text[1] !== '[') return { key: 'esc', length: 1 };
  return text[1] === '[' ? { length: 2 } : { key: 'esc', length: 1 };
}

function sequenceKey(numbers: string, end: string): string | undefined {
  const [first = '', modifiers = ''] = numbers.split(';');
  if (end === '~') return NUMBERED[first];
  if (end !== 'u') return FINALS[end];
  // Terminals that tell Ctrl-M from Enter say so in this form: the character and 1 + 4 for Ctrl.
  const code = Number(first);
  if (modifiers === '5' && code >= 97 && code <= 122) return `ctrl+${String.fromCharCode(code)}`;
  return code === 27 || code === 13 || code === 9 ? CONTROLS[code] : undefined;
}
