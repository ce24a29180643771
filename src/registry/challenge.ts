/** One way that a server names to prove who asks (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** Names in lower case; of a name given twice the first counts. */
  readonly params: ReadonlyMap<string, string>;
}

/** Characters read of all headers together; a real challenge has 200. */
const MAX_CHARACTERS = 16 * 1024;
/** Challenges of one answer. */
const MAX_CHALLENGES = 16;
/** Parameters of one challenge. */
const MAX_PARAMS = 32;

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const SPACE = /[ \t]*/y;
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)"/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;

/**
 * The challenges of `WWW-Authenticate` headers, in their order: several in one header, quoted texts with escapes, token68 forms.
 * Never throws: what is not a challenge is passed over up to the next comma.
 */
export function parseChallenges(headers: readonly string[]): Challenge[] {
  const found: Challenge[] = [];
  let left = MAX_CHARACTERS;
  for (const header of headers) {
    if (left <= 0) break;
    parseHeader(header.slice(0, left), found);
    left -= header.length;
  }
  return found;
}

function parseHeader(text: string, found: Challenge[]): void {
  let at = 0;
  let params: Map<string, string> | undefined;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const result = pattern.exec(text);
    if (result !== null) at = pattern.lastIndex;
    return result;
  };

  while (at < text.length) {
    match(SPACE);
    if (text[at] === ',') {
      at++;
      continue;
    }
    const name = match(TOKEN)?.[0].toLowerCase();
    if (name === undefined) {
      at = nextComma(text, at);
      continue;
    }
    const spaced = (match(SPACE)?.[0].length ?? 0) > 0;
    if (text[at] === '=' && params !== undefined) {
      at++;
      match(SPACE);
      const quoted = match(QUOTED)?.[1]?.replace(/\\([\s\S])/g, '$1');
      const value = quoted ?? match(TOKEN)?.[0];
      if (value === undefined) at = nextComma(text, at);
      else if (!params.has(name) && params.size < MAX_PARAMS) params.set(name, value);
      continue;
    }
    if (text[at] === '=' || found.length >= MAX_CHALLENGES) {
      at = nextComma(text, at);
      params = undefined;
      continue;
    }
    params = new Map();
    found.push({ scheme: name, params });
    if (spaced) match(TOKEN68);
  }
}

/** Where the next comma outside quotes is. */
function nextComma(text: string, from: number): number {
  let inQuotes = false;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\' && inQuotes) at++;
    else if (text[at] === '"') inQuotes = !inQuotes;
    else if (text[at] === ',' && !inQuotes) return at;
  }
  return text.length;
}
