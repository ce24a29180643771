import { build } from '../../app/build.ts';
import { isDobosError } from '../../base/errors.ts';
import type { BuildEvent } from '../../build/build-events.ts';
import { formatPlan } from '../../build/plan-format.ts';
import { imageId } from '../../image/image-id.ts';
import { buildSummary } from '../build-view/build-summary.ts';
import { hideImplied } from '../build-view/hide-implied.ts';
import { type BuildView, createPlainView } from '../build-view/plain-view.ts';
import { safeLines, safeText } from '../build-view/safe-text.ts';
import { createPaint } from '../colour.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { type CommandSpec, flagOption, listOption, textOption } from '../spec.ts';
import type { Terminal } from '../terminal.ts';

export const command: CommandSpec = {
  name: 'build',
  aliases: ['image build', 'buildx build', 'builder build'],
  summary: 'Build an image from a Dockerfile',
  usage: '[OPTIONS] FOLDER',
  arity: [1, 1],
  options: [
    { flags: '-t, --tag <name>', summary: 'name the image', repeat: true, common: true },
    { flags: '-f, --file <path>', summary: 'the Dockerfile, if it is not FOLDER/Dockerfile', common: true },
    {
      flags: '--build-arg <name=value>',
      summary: 'set an ARG; a name alone takes its value from here',
      repeat: true,
      common: true,
    },
    { flags: '--target <stage>', summary: 'stop at this stage', common: true },
    { flags: '--no-cache', summary: 'run every step again', common: true },
    { flags: '--explain', summary: 'say for every step why it ran or was cached' },
    { flags: '--plan', summary: 'print the steps and build nothing' },
    { flags: '--label <name=value>', summary: 'set a label', repeat: true },
    { flags: '--platform <os/arch>', summary: 'the platform of the image' },
    {
      flags: '--network <mode>',
      summary: 'what RUN sees',
      choices: ['default', 'host', 'none'],
      default: 'default',
    },
    {
      flags: '--progress <how>',
      summary: 'how it is shown',
      choices: ['auto', 'plain', 'tty', 'quiet'],
      default: 'auto',
    },
    { flags: '-q, --quiet', summary: 'print the id only' },
    { flags: '--iidfile <path>', summary: 'write the id to a file' },
    { flags: '--runtime <name>', summary: 'an OCI runtime by name or path, or `chroot`' },
    { flags: '--rm', summary: 'accepted for scripts; nothing is left in any case' },
    { flags: '--force-rm', summary: 'accepted for scripts; nothing is left in any case' },
    { flags: '--load', summary: 'accepted for scripts; the image is in the store in any case' },
  ],
  later: [
    '--secret', '--ssh', '--cache-from', '--cache-to', '--output', '-o', '--push', '--squash', '--squash-all', '--build-context', '--metadata-file',
    '--check', '--call', '--no-cache-filter', '--pull', '--add-host', '--allow', '--annotation', '--attest', '--provenance', '--sbom', '--ulimit',
    '--shm-size', '--isolation', '--jobs', '--volume', '-v', '--memory', '-m', '--cgroup-parent', '--security-opt', '--compress',
  ], // biome-ignore format: a list
  examples: [
    'dobos build -t app .',
    'dobos build -t app --build-arg VERSION=2 --target test .',
    'SOURCE_DATE_EPOCH=0 dobos build -t app .',
  ],
  limits: [
    'Bases come from the store, a layout (FROM oci:/path:tag) or an archive (FROM docker-archive:/file.tar): nothing is pulled yet.',
    'RUN --mount, a RUN heredoc that starts with #!, COPY --link, --parents and --exclude, ADD of URLs, archives and git come in a later version, and fail by name.',
  ],
  async run({ app, terminal, args, options, signal }) {
    const quiet = flagOption(options, 'quiet') || options.progress === 'quiet';
    const iidfile = textOption(options, 'iidfile');
    if (iidfile !== undefined) checkOutputFile(iidfile);
    const stop = new AbortController();
    const view = flagOption(options, 'plan')
      ? planView(terminal, stop)
      : await createView(terminal, textOption(options, 'progress'), quiet, app.settings.now);
    const shown = hideImplied(view);
    const began = app.settings.now();
    let result: Awaited<ReturnType<typeof build>>;
    try {
      result = await build(
        app,
        {
          context: args[0]!,
          dockerfile: textOption(options, 'file'),
          tags: listOption(options, 'tag'),
          buildArgs: listOption(options, 'buildArg'),
          labels: listOption(options, 'label'),
          target: textOption(options, 'target'),
          platform: textOption(options, 'platform'),
          network: textOption(options, 'network') as 'default' | 'host' | 'none',
          useCache: options.cache !== false,
          runtime: textOption(options, 'runtime'),
        },
        { signal: AbortSignal.any([signal, stop.signal]), onEvent: (event) => shown.show(event) },
      );
    } catch (error) {
      if (stop.signal.aborted && !signal.aborted) return 0;
      if (quiet && isDobosError(error, 'BUILD_RUN_FAILED')) terminal.err(lastWords(error.facts.lines));
      throw error;
    } finally {
      view.end();
    }
    const id = imageId(result.image);
    if (iidfile !== undefined) writeOutputFile(iidfile, id);
    if (quiet) await terminal.out(`${id}\n`);
    else {
      const paint = createPaint(terminal.colour);
      terminal.err(
        await buildSummary(app, result, {
          milliseconds: app.settings.now() - began,
          explain: flagOption(options, 'explain'),
          paint,
          columns: terminal.errIsTty ? terminal.columns() : undefined,
        }),
      );
    }
    return 0;
  },
};

/** The end of a failed program's output, which a quiet build has not shown. */
const lastWords = (lines: unknown): string =>
  Array.isArray(lines) ? lines.map((line) => `${safeText(String(line))}\n`).join('') : '';

const silent: BuildView = { show: () => {}, end: () => {} };

async function createView(
  terminal: Terminal,
  progress: string | undefined,
  quiet: boolean,
  now: () => number,
): Promise<BuildView> {
  if (quiet) return silent;
  if (progress === 'tty' || (progress !== 'plain' && terminal.errIsTty)) {
    const { createLiveView } = await import('../build-view/live-view.ts');
    return createLiveView(terminal, createPaint(terminal.colour), now);
  }
  return createPlainView(terminal.err, now);
}

/** Prints the plan as soon as it is there and stops the build before its first step. */
function planView(terminal: Terminal, stop: AbortController): BuildView {
  return {
    show(event: BuildEvent) {
      if (event.kind !== 'planned') return;
      void terminal.out(safeLines(formatPlan(event.graph)));
      stop.abort();
    },
    end: () => {},
  };
}
