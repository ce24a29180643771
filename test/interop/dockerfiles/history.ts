/**
 * How rows of a history are worded here and by the peers: docs/dockerfile.md has these rules as a table.
 */
export interface HistoryRule {
  readonly peer: 'docker 20.10' | 'buildah';
  readonly instructions: string;
  readonly ours: string;
  readonly theirs: string;
  readonly why: string;
  /** Whether two rows differ as the rule says; a row that is not there is undefined. */
  fits(ours: string | undefined, theirs: string | undefined): boolean;
}

const DIGEST = '[0-9a-f]{64}';
const NOP = '/bin/sh -c #(nop) ';
const keyword = (row = ''): string => row.split(' ')[0]!;
/** The words of a row, however they are quoted: what is left when quotes, commas and brackets are gone. */
const bare = (text: string): string =>
  text
    .replace(/["'\\,[\]]/g, '')
    .replace(/\s+/g, ' ')
    .trim();

export const HISTORY_RULES: readonly HistoryRule[] = [
  {
    peer: 'docker 20.10',
    instructions: '`ARG`',
    ours: '`ARG V=given`',
    theirs: '`ARG V=default`, and `ARG V` where the value is that of a global one',
    why: "today's BuildKit writes the value, too",
    fits: (ours = '', theirs = '') => /^ARG (\w+)=/.test(ours) && theirs.startsWith(ours.replace(/=.*/, '')),
  },
  {
    peer: 'docker 20.10',
    instructions: '`EXPOSE`',
    ours: '`EXPOSE [443/tcp 80/tcp]`',
    theirs: '`EXPOSE map[443/tcp:{} 80/tcp:{}]`',
    why: "today's BuildKit writes a list, too",
    fits: (ours = '', theirs = '') =>
      ours.startsWith('EXPOSE [') && theirs === ours.replace('[', 'map[').replace(/(\/\w+)/g, '$1:{}'),
  },
  {
    peer: 'docker 20.10',
    instructions: '`HEALTHCHECK`',
    ours: 'the instruction as it is written',
    theirs: '`HEALTHCHECK &{["CMD-SHELL" "…"] "10s" "0s" …}`',
    why: 'a row is for people',
    fits: (ours = '', theirs = '') => ours.startsWith('HEALTHCHECK ') && theirs.startsWith('HEALTHCHECK &{['),
  },
  {
    peer: 'docker 20.10',
    instructions: '`COPY`, `ADD`',
    ours: '`COPY --chown=1:2 a /b # buildkit`',
    theirs: '`COPY a /b # buildkit`',
    why: "today's BuildKit writes the flags, too",
    fits: (ours = '', theirs = '') =>
      /^(?:COPY|ADD) --ch(?:own|mod)=/.test(ours) && theirs === ours.replace(/ --ch(?:own|mod)=\S+/g, ''),
  },
  {
    peer: 'docker 20.10',
    instructions: '`ONBUILD`',
    ours: 'a row with the trigger',
    theirs: 'no row',
    why: 'each instruction has its row, as in buildah',
    fits: (ours, theirs) => ours?.startsWith('ONBUILD ') === true && theirs === undefined,
  },
  {
    peer: 'buildah',
    instructions: '`RUN`',
    ours: '`RUN \\|1 A=1 /bin/sh -c make # buildkit`, `RUN touch /a # buildkit` of the exec form',
    theirs: '`\\|1 A=1 /bin/sh -c make`, `/bin/sh -c ["touch", "/a"]`; an ARG without a value is not counted',
    why: "BuildKit's words",
    fits: (ours = '', theirs = '') => {
      const command = /^RUN (?:\|\d+ (?:\w+=\S* )*)?(.*) # buildkit$/s.exec(ours)?.[1];
      const theirCommand = theirs.replace(/^\|\d+ (?:\w+=\S* )*/, '');
      return command === theirCommand || `/bin/sh -c ${bare(command ?? '')}` === bare(theirCommand);
    },
  },
  {
    peer: 'buildah',
    instructions: '`COPY`, `ADD`',
    ours: '`COPY a /b # buildkit`',
    theirs: '`/bin/sh -c #(nop) COPY file:DIGEST in /b`, also `dir:` and `multi:`',
    why: "BuildKit's words: what was copied can be read",
    fits: (ours = '', theirs = '') => {
      const row = new RegExp(
        `^/bin/sh -c #\\(nop\\) ${keyword(ours)} (?:file|dir|multi):${DIGEST} in (.*) $`,
      );
      const dest = row.exec(theirs)?.[1];
      return dest?.includes('$') || (dest !== undefined && ours.endsWith(` ${dest} # buildkit`));
    },
  },
  {
    peer: 'buildah',
    instructions: '`ARG`',
    ours: '`ARG V=1`',
    theirs: '`/bin/sh -c #(nop) ARG V`; nothing behind `ARG` if it has no value',
    why: "BuildKit's words",
    fits: (ours = '', theirs = '') =>
      ours.startsWith('ARG ') && [ours.replace(/=.*/, ''), 'ARG '].some((row) => theirs === `${NOP}${row}`),
  },
  {
    peer: 'buildah',
    instructions: 'all others',
    ours: '`ENV A=two words`, variables put in',
    theirs: '`/bin/sh -c #(nop) ENV A="$B words"`, as it is written',
    why: "BuildKit's words: what the image has",
    fits: (ours = '', theirs = '') =>
      !/^(?:RUN|COPY|ADD|ARG) /.test(ours) && theirs.startsWith(`${NOP}${keyword(ours)} `),
  },
];

/** Rows that differ and that no rule explains; the rules that were needed are added to `used`. */
export function unexplained(
  ours: readonly string[],
  theirs: readonly string[],
  peer: HistoryRule['peer'],
  used: Set<HistoryRule>,
): string[] {
  const rules = HISTORY_RULES.filter((rule) => rule.peer === peer);
  const left: string[] = [];
  const rest = [...theirs];
  for (const row of ours) {
    const theirRow = rest[0];
    if (row === theirRow) {
      rest.shift();
      continue;
    }
    const rule =
      rules.find(({ fits }) => fits(row, theirRow)) ?? rules.find(({ fits }) => fits(row, undefined));
    if (rule === undefined) left.push(`${row} | ${theirRow}`);
    else used.add(rule);
    if (rule === undefined || !rule.fits(row, undefined)) rest.shift();
  }
  return [...left, ...rest.map((row) => `undefined | ${row}`)];
}

/** The rules as the table of docs/dockerfile.md. */
export const historyTable = (): string =>
  [
    '| beside | instructions | here | there | why |',
    '|---|---|---|---|---|',
    ...HISTORY_RULES.map(
      ({ peer, instructions, ours, theirs, why }) =>
        `| ${peer} | ${instructions} | ${ours} | ${theirs} | ${why} |`,
    ),
  ].join('\n');
