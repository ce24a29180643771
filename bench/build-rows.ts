import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeContext, writeTree } from './inputs.ts';
import { measurePairs, type Side } from './measure.ts';
import { build, DOBOS, dobosSide, dockerSide, type Row } from './rows.ts';

/** About a second of one core's work, without a file but the last. */
const WORK = 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done';

const fourStages = (nonce: string): string =>
  [0, 1, 2, 3]
    .flatMap((at) => [`FROM bench-base AS s${at}`, `RUN ${WORK}; echo ${nonce} > /out${at}`])
    .concat('FROM bench-base', ...[0, 1, 2, 3].map((at) => `COPY --from=s${at} /out${at} /`))
    .join('\n');

const deepStage = (nonce: string, depth: number): string =>
  ['FROM bench-base', ...Array.from({ length: depth }, (_, at) => `RUN echo ${nonce} > /d${at}`)].join('\n');

/** Ten commands at once; the whole fails if one does. */
const atOnce = (commands: readonly (readonly string[])[]): string[] => {
  const quoted = commands.map((words) => words.map((word) => `'${word}'`).join(' '));
  return [
    '/bin/sh',
    '-c',
    `${quoted.map((line) => `${line} & p="$p $!"`).join('; ')}; for q in $p; do wait $q || exit 1; done`,
  ];
};

/** Rows of whole builds: stages side by side, an edit in a large context, depth, selection, builds beside each other. */
export const BUILD_ROWS: readonly Row[] = [
  {
    name: 'four independent stages of CPU work',
    targets: [{ kind: 'ratio', most: 1 }],
    measure(bench) {
      const folder = (round: number): string => join(bench.work, `stages-${round}`);
      const prepare = (round: number): void => writeContext(folder(round), fourStages(`r${round}`));
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, (round) => build(folder(round)), prepare),
        dockerSide(bench, (round) => build(folder(round))),
      ]);
    },
  },
  {
    name: 'one changed file of 20,000: COPY and a RUN again',
    targets: [{ kind: 'ratio', most: 0.6 }],
    measure(bench) {
      const folder = join(bench.work, 'edit');
      writeTree(join(folder, 'src'), 20_000, 1_000, 7);
      writeContext(
        folder,
        'FROM bench-base\nRUN echo deps > /deps\nCOPY src /src\nRUN echo built > /built\n',
      );
      const edit = (round: number): void =>
        writeFileSync(join(folder, 'src', 'd7', 'f700'), `edited ${round}\n`);
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, () => build(folder), edit),
        dockerSide(bench, () => build(folder)),
      ]);
    },
  },
  {
    name: 'a stage 120 layers deep, beside one of 60',
    targets: [{ kind: 'ratio', most: 2.2 }],
    measure(bench) {
      const side = (name: string, depth: number): Side => {
        const folder = (round: number): string => join(bench.work, `deep-${depth}-${round}`);
        const prepare = (round: number): void =>
          writeContext(folder(round), deepStage(`${depth}r${round}`, depth));
        return { ...dobosSide(bench, (round) => build(folder(round)), prepare), name };
      };
      return measurePairs(bench.work, bench.rounds, [side('dobos', 120), side('60 layers', 60)]);
    },
  },
  {
    name: '10 files selected by name of a context of 100,000',
    targets: [{ kind: 'ratio', most: 0.3 }],
    measure(bench) {
      const folder = join(bench.work, 'select');
      writeTree(join(folder, 'files'), 100_000, 100, 3);
      const chosen = Array.from({ length: 10 }, (_, at) => `files/d${at * 90}/f${at * 9000}`);
      writeContext(folder, `FROM bench-base\nCOPY ${chosen.join(' ')} /chosen/\n`);
      const edit = (round: number): void => writeFileSync(join(folder, chosen[0]!), `edited ${round}\n`);
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, () => build(folder), edit),
        dockerSide(bench, () => build(folder)),
      ]);
    },
  },
  {
    name: '10 files that .dockerignore leaves of 100,000',
    targets: [{ kind: 'ratio', most: 0.3 }],
    measure(bench) {
      const folder = join(bench.work, 'ignore');
      writeTree(join(folder, 'files'), 100_000, 100, 3);
      const kept = Array.from({ length: 10 }, (_, at) => `files/d${at * 90}/f${at * 9000}`);
      writeContext(folder, 'FROM bench-base\nCOPY . /chosen\n', {
        '.dockerignore': ['files/*/*', ...kept.map((path) => `!${path}`), ''].join('\n'),
      });
      const edit = (round: number): void => writeFileSync(join(folder, kept[0]!), `edited ${round}\n`);
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, () => build(folder), edit),
        dockerSide(bench, () => build(folder)),
      ]);
    },
  },
  {
    name: 'ten builds at once on one store',
    targets: [{ kind: 'ratio', most: 1 }],
    measure(bench) {
      const folder = (round: number, at: number): string => join(bench.work, `ten-${round}-${at}`);
      const ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
      const prepare = (round: number): void => {
        for (const at of ten) {
          const text = ['FROM bench-base', ...[1, 2, 3].map((n) => `RUN echo ${round}-${at} > /f${n}`)].join(
            '\n',
          );
          writeContext(folder(round, at), text);
        }
      };
      const own = dobosSide(bench, () => [], prepare);
      const docker = dockerSide(bench, () => []);
      const named = (round: number, at: number): string[] => [
        'build',
        '--network=host',
        '-q',
        '-t',
        `ten${at}`,
        folder(round, at),
      ];
      return measurePairs(bench.work, bench.rounds, [
        { ...own, command: (round) => atOnce(ten.map((at) => [...DOBOS, ...named(round, at)])) },
        { ...docker, command: (round) => atOnce(ten.map((at) => bench.peers.docker(...named(round, at)))) },
      ]);
    },
  },
];
