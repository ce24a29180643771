import { openSource } from '../../app/explore.ts';
import { compareFiles, compareImages, comparePackages } from '../../explore/compare-images.ts';
import { safeJson, safeText } from '../build-view/safe-text.ts';
import { createPaint } from '../colour.ts';
import { compareMarkdown, compareText } from '../compare-report.ts';
import { cliError } from '../errors.ts';
import { SOURCE_OPTIONS, sourceOptions } from '../source-options.ts';
import { type CommandSpec, flagOption, textOption } from '../spec.ts';
import { formatSize } from '../units.ts';

export const command: CommandSpec = {
  name: 'compare',
  aliases: [],
  summary: 'Compare the files of two images: by directory, package and file',
  usage: '[OPTIONS] BEFORE AFTER',
  arity: [2, 2],
  options: [
    {
      flags: '--format <form>',
      summary: 'how it is printed',
      choices: ['text', 'json', 'markdown'],
      default: 'text',
      common: true,
    },
    {
      flags: '--same',
      summary: 'prove that both show the same files, or name the first that differs',
      common: true,
    },
    { flags: '--depth <n>', summary: 'how deep directories are told apart', default: '2' },
    { flags: '--packages', summary: 'also by package: their databases are read', common: true },
    ...SOURCE_OPTIONS,
  ],
  examples: [
    'dobos compare app:1 app:2',
    'dobos compare --format markdown --packages docker://example.com/app:1 app',
    'dobos compare --same app squashed',
  ],
  failureExit: () => 2,
  limits: [
    "The exit code is diff's: 0 if the files are the same, 1 if they differ, 2 for trouble; times count with --same only.",
  ],
  async run({ app, terminal, args, options, signal }) {
    const [nameBefore = '', nameAfter = ''] = args;
    const depth = textOption(options, 'depth') ?? '2';
    if (!/^\d{1,3}$/.test(depth))
      throw cliError('CLI_USAGE', {
        command: 'compare',
        problem: `--depth ${JSON.stringify(depth)}, want a number`,
      });
    const request = { ...sourceOptions(app, terminal, options), bare: true, signal };
    const before = await openSource(app, nameBefore, request);
    try {
      // Standard input is read once.
      const after = await openSource(
        app,
        nameAfter,
        nameBefore === '-' ? { ...request, stdin: undefined } : request,
      );
      try {
        if (flagOption(options, 'same')) {
          const { paths, files, bytes, difference } = compareFiles(before.exploration, after.exploration);
          const same = `${paths} paths, ${files} files of ${formatSize(bytes)}`;
          await terminal.out(
            difference === undefined
              ? `the same: ${same} in content, mode, owner, time, attributes, hard links\n`
              : `different: /${safeText(difference)} is the first path that differs\n`,
          );
          return difference === undefined ? 0 : 1;
        }
        const comparison = compareImages(
          { ...before.exploration, name: nameBefore },
          { ...after.exploration, name: nameAfter },
          { depth: Number(depth) },
        );
        const whole = flagOption(options, 'packages')
          ? { ...comparison, packages: await packagesOf(before, after, signal) }
          : comparison;
        const format = textOption(options, 'format');
        if (format === 'json') await terminal.out(`${safeJson(whole)}\n`);
        else if (format === 'markdown') await terminal.out(compareMarkdown(whole));
        else await terminal.out(compareText(whole, createPaint(terminal.colour && terminal.outIsTty)));
        return comparison.same ? 0 : 1;
      } finally {
        await after.close();
      }
    } finally {
      await before.close();
    }
  },
};

type Source = Awaited<ReturnType<typeof openSource>>;

async function packagesOf(before: Source, after: Source, signal: AbortSignal) {
  const { readPackages } = await import('../../explore/packages/read-packages.ts');
  const old = await readPackages(before.exploration, before.store, { signal });
  return comparePackages(old, await readPackages(after.exploration, after.store, { signal }));
}
