/**
 * Go's `filepath.Match`: `*` and `?` stop at `/`, `[a-z]`, `[^x]`, `\` takes the next character as it is.
 * Compiled once, matched without backtracking into earlier stars: the cost of a match is at most pattern × name.
 */
export interface Glob {
  matches(name: string): boolean;
}

export type GlobClass = {
  readonly kind: 'class';
  readonly negated: boolean;
  /** Code points, both ends inside. */
  readonly ranges: readonly (readonly [number, number])[];
};

type Token =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | GlobClass;

/** A pattern compiled; undefined if it is malformed (an open `[`, a `\` at the end, an empty or backward range). */
export function compileGlob(pattern: string): Glob | undefined {
  const tokens = tokensOf(pattern);
  return tokens === undefined ? undefined : { matches: (name) => matchTokens(tokens, name) };
}

/** True if the whole name matches the pattern; false for a malformed pattern. */
export function matchGlob(pattern: string, name: string): boolean {
  return compileGlob(pattern)?.matches(name) ?? false;
}

/** True if the text holds a character that means something in a pattern: COPY takes others literally. */
export function hasGlob(text: string): boolean {
  return /[*?[\\]/.test(text);
}

function tokensOf(pattern: string): Token[] | undefined {
  const chars = Array.from(pattern);
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
    } else if (char === '?') tokens.push({ kind: 'any' });
    else if (char === '[') {
      const found = classAt(chars, at + 1);
      if (found === undefined) return undefined;
      tokens.push(found.token);
      at = found.end;
    } else if (char === '\\') {
      const next = chars[++at];
      if (next === undefined) return undefined;
      tokens.push({ kind: 'char', char: next });
    } else tokens.push({ kind: 'char', char });
  }
  return tokens;
}

/** The class whose `[` stands before `from`, and where its `]` stands; undefined if it is malformed. */
export function classAt(
  chars: readonly string[],
  from: number,
): { token: GlobClass; end: number } | undefined {
  const ranges: [number, number][] = [];
  const negated = chars[from] === '^';
  let at = negated ? from + 1 : from;
  /** One character of the class, escapes read; undefined where none may stand. */
  const take = (): number | undefined => {
    const char = chars[at++];
    if (char === undefined || char === '-' || char === ']') return undefined;
    return (char === '\\' ? chars[at++] : char)?.codePointAt(0);
  };
  for (;;) {
    if (chars[at] === ']' && ranges.length > 0) return { token: { kind: 'class', negated, ranges }, end: at };
    const low = take();
    if (low === undefined) return undefined;
    let high: number | undefined = low;
    if (chars[at] === '-') {
      at++;
      high = take();
    }
    if (high === undefined) return undefined;
    // A backward range is legal in Go and matches nothing.
    ranges.push([low, high]);
  }
}

function matchTokens(tokens: readonly Token[], name: string): boolean {
  const chars = Array.from(name);
  let token = 0;
  let at = 0;
  // Where to resume when a match fails: behind the last star, one character further.
  let starToken = -1;
  let starAt = -1;
  while (at < chars.length || token < tokens.length) {
    const current = tokens[token];
    if (current?.kind === 'star') {
      starToken = token++;
      starAt = at;
      continue;
    }
    if (current !== undefined && at < chars.length && matchOne(current, chars[at]!)) {
      token++;
      at++;
      continue;
    }
    if (starToken < 0 || starAt >= chars.length || chars[starAt] === '/') return false;
    token = starToken + 1;
    at = ++starAt;
  }
  return true;
}

function matchOne(token: Token, char: string): boolean {
  switch (token.kind) {
    case 'char':
      return token.char === char;
    case 'any':
      return char !== '/';
    case 'class':
      return inClass(token, char);
    default:
      return false;
  }
}

/** True if the character is one of the class; `/` is a character like others here, as in Go. */
export function inClass(token: GlobClass, char: string): boolean {
  const code = char.codePointAt(0)!;
  return token.ranges.some(([low, high]) => code >= low && code <= high) !== token.negated;
}
