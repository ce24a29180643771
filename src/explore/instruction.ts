import type { HistoryRow, InstructionPlace, LayerOrigin } from './types.ts';

/** An instruction of the stage that an image was built from, with its place. */
export interface SourceInstruction {
  /** In capitals. */
  readonly keyword: string;
  readonly text: string;
  /** 1 for the first line. */
  readonly line: number;
}

/** Where the instructions of an image stand. */
export interface InstructionSource {
  /** For people: the Dockerfile's path. */
  readonly file: string;
  /** `record`: as the build that made the image noted them; `file`: as they stand there now. */
  readonly from: 'record' | 'file';
  /** The last stage's, with those of the stages it continues, in order, `FROM` left out. */
  readonly instructions: readonly SourceInstruction[];
}

const KEYWORDS: ReadonlySet<string> = new Set([
  ...['ADD', 'ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'HEALTHCHECK', 'LABEL', 'MAINTAINER'],
  ...['ONBUILD', 'RUN', 'SHELL', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'],
]);
/** Instructions that some builders leave no row for. */
const MAY_BE_SILENT: ReadonlySet<string> = new Set(['ARG', 'SHELL', 'ONBUILD']);

/** Tools that make layers without a Dockerfile write their own names into the history. */
const TOOLS = /^(?:bazel |jib|ko |apko|kaniko|nix|buildpacks?|rules_|# debian|umoci|packer|melange)/i;

/** The instruction that a row of history tells of, as a person would write it: builders' wrappings left out, lines joined by `↵`. Empty if it tells nothing. */
export function instructionText(row: Pick<HistoryRow, 'createdBy' | 'comment'>): string {
  return (row.createdBy || row.comment || '')
    .replace(/^\/bin\/sh -c #\(nop\)\s*/, '')
    .replace(/ # buildkit$/, '')
    .replace(/^RUN (?:\|\d+ (?:[^\s=]+=\S* )*)?\/bin\/sh -c /, 'RUN ')
    .replace(/^\|\d+ (?:[^\s=]+=\S* )*\/bin\/sh -c /, 'RUN ')
    .replace(/^\/bin\/sh -c /, 'RUN ')
    .replace(/\s+/g, (blank) => (blank.includes('\n') ? '↵' : blank));
}

/** The instruction's keyword; undefined for a row that no instruction explains. */
export function keywordOf(createdBy: string | undefined): string | undefined {
  const text = createdBy ?? '';
  if (/^(?:\|\d+ .*?)?\/bin\/sh -c (?!#\(nop\))/s.test(text) || /^(?:cmd \/S|powershell) /i.test(text))
    return 'RUN';
  const [word = ''] = /^[A-Z]+(?=\s|$)/.exec(text.replace(/^\/bin\/sh -c #\(nop\)\s*/, '')) ?? [];
  return KEYWORDS.has(word) ? word : undefined;
}

/** What explains a layer, by the row of history that made it. A container's commit leaves the command that it ran, which is no instruction. */
export function originOf(row: HistoryRow | undefined): LayerOrigin {
  const createdBy = row?.createdBy ?? '';
  const comment = row?.comment ?? '';
  if (keywordOf(createdBy) !== undefined) return 'instruction';
  if (/^imported from /i.test(comment) || /^imported from /i.test(createdBy)) return 'import';
  if (/squash|^merge sha256:/i.test(`${comment} ${createdBy}`)) return 'squash';
  if (TOOLS.test(createdBy) || TOOLS.test(comment) || /buildkit|debuerreotype/i.test(comment)) return 'tool';
  return 'unexplained';
}

/** The lines that rows of a history come from, by row. Both are followed from their ends as long as they tell of the same instructions: what is below is the base's. */
export function placeRows(
  rows: readonly Pick<HistoryRow, 'createdBy'>[],
  source: InstructionSource,
): ReadonlyMap<number, InstructionPlace> {
  const places = new Map<number, InstructionPlace>();
  const { instructions, file, from } = source;
  let at = rows.length - 1;
  for (let next = instructions.length - 1; next >= 0 && at >= 0; next--) {
    const { keyword, line } = instructions[next]!;
    if (keyword !== keywordOf(rows[at]!.createdBy)) {
      if (MAY_BE_SILENT.has(keyword)) continue;
      break;
    }
    places.set(at--, { file, line, from });
  }
  return places;
}
