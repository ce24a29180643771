import type { Word } from '../dockerfile/ast.ts';
import { expandWord } from '../dockerfile/expand.ts';
import { formatPlatform } from '../oci/platform.ts';
import type { Platform } from '../oci/types.ts';
import type { Fail } from './plan-errors.ts';
import type { PlanOptions } from './plan-options.ts';

const UPPER_PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];
/** UTF-16 units that all words of one plan may come to: variables that hold variables double with each line, and an image's config holds no more. */
export const MAX_ALL_EXPANDED = 4 * 1024 * 1024;
/** Known to every RUN without an ARG; in neither history nor key unless one declares them (spec build.md a.5). */
export const PROXY_ARGS: readonly string[] = [
  ...UPPER_PROXIES,
  ...UPPER_PROXIES.map((name) => name.toLowerCase()),
];

/** The value that the caller gives an ARG, if any: it wins over every default. */
export function givenArg(o: PlanOptions, name: string): string | undefined {
  const given = o.buildArgs.get(name);
  if (given !== undefined || name !== 'SOURCE_DATE_EPOCH') return given;
  return o.epoch === undefined ? undefined : String(o.epoch);
}

/** The ARGs that exist without being declared: in FROM lines, and in a stage that declares them without a value. */
export function automaticArgs(o: PlanOptions): Map<string, string> {
  return new Map([
    ...platformArgs('TARGET', o.platform),
    ...platformArgs('BUILD', o.buildPlatform),
    ['TARGETSTAGE', o.target ?? 'default'],
  ]);
}

function platformArgs(prefix: string, platform: Platform): [string, string][] {
  return [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
    [`${prefix}OSVERSION`, platform['os.version'] ?? ''],
  ];
}

/** Puts variables into words of a Dockerfile. Names that are not set are for lint to tell of. */
export interface Expander {
  text(word: Word, variables: ReadonlyMap<string, string>): string;
  /** Split at blanks as well: EXPOSE. */
  words(word: Word, variables: ReadonlyMap<string, string>): readonly string[];
  /** The body of a heredoc: quotes are kept. */
  body(text: string, at: Word, variables: ReadonlyMap<string, string>): string;
}

/** @throws PLAN_EXPANSION, PLAN_INVALID (from its functions) */
export function createExpander(escapeChar: string, fail: Fail): Expander {
  let total = 0;
  const expand = (
    text: string,
    at: Word,
    variables: ReadonlyMap<string, string>,
    body: boolean,
  ): ReturnType<typeof expandWord> => {
    const result = expandWord(text, variables, {
      // Heredocs know one escape character, whatever the directive says.
      escape: body ? '\\' : escapeChar,
      keepQuotes: body,
    });
    if (result.error !== undefined) {
      throw fail('PLAN_EXPANSION', { word: at.text, message: result.error }, at.range);
    }
    // Bodies become files, not configuration.
    if (!body) total += result.text.length;
    if (total > MAX_ALL_EXPANDED) {
      const message = `variables come to more than ${MAX_ALL_EXPANDED} characters in all`;
      throw fail('PLAN_INVALID', { message }, at.range);
    }
    return result;
  };
  return {
    text: (word, variables) => expand(word.text, word, variables, false).text,
    words: (word, variables) => expand(word.text, word, variables, false).words,
    body: (text, at, variables) => expand(text, at, variables, true).text,
  };
}
