import { build } from '../../app/build.ts';
import { buildMetadata, builtId } from '../../app/build-metadata.ts';
import { parseOutput } from '../../app/build-outputs.ts';
import { isDobosError } from '../../base/errors.ts';
import type { BuildEvent } from '../../build/build-events.ts';
import { formatPlan } from '../../build/plan-format.ts';
import { buildSummary } from '../build-view/build-summary.ts';
import { createChecksNote } from '../build-view/checks-note.ts';
import { hideImplied } from '../build-view/hide-implied.ts';
import { type BuildView, createPlainView } from '../build-view/plain-view.ts';
import { safeLines, safeText } from '../build-view/safe-text.ts';
import { createPaint } from '../colour.ts';
import { cliError } from '../errors.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { BUILD_PULL_OPTION, pullPolicy } from '../pull-option.ts';
import { createPullLines } from '../pull-view/pull-lines.ts';
import { type CommandSpec, flagOption, listOption, textOption } from '../spec.ts';
import type { Terminal } from '../terminal.ts';
import { ATTESTATION_OPTIONS, refuseAttestations } from './build-attestations.ts';

const NO_CGROUPS = 'steps run without cgroups';
/** What docker takes and what means nothing here: said once, and passed over. */
const IDLE = [
  { flags: '--builder <name>', key: 'builder', why: 'there is one builder' },
  { flags: '--compress', key: 'compress', why: 'a context is read where it is' },
  { flags: '--isolation <how>', key: 'isolation', why: '--runtime names what isolates' },
  { flags: '-m, --memory <bytes>', key: 'memory', why: NO_CGROUPS },
  { flags: '--memory-swap <bytes>', key: 'memorySwap', why: NO_CGROUPS },
  { flags: '--cpu-shares <weight>', key: 'cpuShares', why: NO_CGROUPS },
  { flags: '--cpu-period <time>', key: 'cpuPeriod', why: NO_CGROUPS },
  { flags: '--cpu-quota <time>', key: 'cpuQuota', why: NO_CGROUPS },
  { flags: '--cpuset-cpus <list>', key: 'cpusetCpus', why: NO_CGROUPS },
  { flags: '--cpuset-mems <list>', key: 'cpusetMems', why: NO_CGROUPS },
  { flags: '--cgroup-parent <group>', key: 'cgroupParent', why: NO_CGROUPS },
] as const;

export const command: CommandSpec = {
  name: 'build',
  aliases: ['image build', 'buildx build', 'builder build'],
  summary: 'Build an image from a Dockerfile',
  usage: '[OPTIONS] FOLDER|URL|-',
  arity: [1, 1],
  options: [
    { flags: '-t, --tag <name>', summary: 'name the image', repeat: true, common: true },
    {
      flags: '-f, --file <path>',
      summary: 'the Dockerfile, if it is not FOLDER/Dockerfile; `-` for standard input',
      common: true,
    },
    {
      flags: '--build-arg <name=value>',
      summary: 'set an ARG; a name alone takes its value from here',
      repeat: true,
      common: true,
    },
    {
      flags: '--build-arg-file <path>',
      summary: 'a file with a NAME=VALUE on each line',
      repeat: true,
    },
    { flags: '--target <stage>', summary: 'stop at this stage', common: true },
    { flags: '--no-cache', summary: 'run every step again', common: true },
    { flags: '--explain', summary: 'say for every step why it ran or was cached' },
    { flags: '--plan', summary: 'print the steps and build nothing' },
    { flags: '--check', summary: 'print what the build checks find, and build nothing', common: true },
    {
      flags: '--call <method>',
      summary: 'check; outline: what can be given; targets: what can be built; `,format=json`',
    },
    { flags: '--label <name=value>', summary: 'set a label', repeat: true },
    {
      flags: '--cache-from <where>',
      summary: 'take steps from `NAME` in a registry or `type=local,src=FOLDER` too',
      repeat: true,
    },
    {
      flags: '--cache-to <where>',
      summary: 'write the steps to `type=registry,ref=NAME` or `type=local,dest=FOLDER`',
      repeat: true,
    },
    { flags: '--squash', summary: 'make one layer of those that this build adds' },
    { flags: '--squash-all', summary: "make one layer of all, the base's too" },
    {
      flags: '--build-context <name=where>',
      summary: 'a folder, layout, image or URL in place of that stage or image',
      repeat: true,
    },
    {
      flags: '--annotation <key=value>',
      summary: 'annotate the manifest; `index:key=value` the index',
      repeat: true,
    },
    {
      flags: '-o, --output <where>',
      summary: 'a folder for the files, `-` for their tar, or `type=oci,dest=FILE` and such',
      repeat: true,
      common: true,
    },
    { flags: '--push', summary: 'push the image by its names, as `-o type=registry` does', common: true },
    {
      flags: '--platform <os/arch>',
      summary: 'the platform of the image; several with commas make an index',
    },
    BUILD_PULL_OPTION,
    { flags: '--no-cache-filter <stage>', summary: 'run the steps of these stages again', repeat: true },
    {
      flags: '--network <mode>',
      summary: 'what RUN sees',
      choices: ['default', 'host', 'none'],
      default: 'default',
    },
    {
      flags: '--secret <id=name,src=file>',
      summary: 'what RUN --mount=type=secret may read: a file, or env=VARIABLE',
      repeat: true,
    },
    { flags: '--ssh <default|id=socket>', summary: 'what RUN --mount=type=ssh may use', repeat: true },
    {
      flags: '--allow <what>',
      summary: 'let RUN have security.insecure',
      repeat: true,
    },
    {
      flags: '--add-host <name:address>',
      summary: 'a name that RUN finds in /etc/hosts; `host-gateway` is this machine',
      repeat: true,
    },
    { flags: '--shm-size <bytes>', summary: 'the size of /dev/shm of a RUN: 64m by default' },
    { flags: '--ulimit <name=soft:hard>', summary: 'a limit for the programs of a RUN', repeat: true },
    {
      flags: '-v, --volume <host:inside>',
      summary: 'show RUN a host folder; it is in no layer and no cache key',
      repeat: true,
    },
    { flags: '--jobs <number>', summary: 'how many steps run at once: twice the cores by default' },
    {
      flags: '--progress <how>',
      summary: 'how it is shown',
      choices: ['auto', 'plain', 'tty', 'quiet', 'rawjson', 'none'],
      default: 'auto',
    },
    { flags: '-q, --quiet', summary: 'print the id only' },
    { flags: '--iidfile <path>', summary: 'write the id to a file' },
    { flags: '--metadata-file <path>', summary: 'write digests and names to a file, as JSON' },
    { flags: '--runtime <name>', summary: 'an OCI runtime by name or path, `chroot`, or `unisolated`' },
    { flags: '--rm', summary: 'accepted for scripts; nothing is left in any case' },
    { flags: '--force-rm', summary: 'accepted for scripts; nothing is left in any case' },
    { flags: '--load', summary: 'accepted for scripts; the image is in the store in any case' },
    ...ATTESTATION_OPTIONS,
    ...IDLE.map(({ flags, why }) => ({ flags, summary: `accepted for scripts: ${why}`, repeat: true })),
  ],
  examples: [
    'dobos build -t app .',
    'dobos build -t app --build-arg VERSION=2 --target test .',
    'SOURCE_DATE_EPOCH=0 dobos build -t app .',
    'dobos build --check .',
    'dobos build -o out .',
    'git archive HEAD | dobos build -t app -',
    'dobos build --platform linux/amd64,linux/arm64 -o type=oci,dest=app.tar .',
    'dobos build --push -t registry.example/team/app:1.2 .',
  ],
  limits: ['RUN --device comes in a later version, and fails by name.'],
  async run({ app, terminal, args, options, signal }) {
    refuseAttestations(options);
    const quiet = flagOption(options, 'quiet') || options.progress === 'quiet' || options.progress === 'none';
    const iidfile = textOption(options, 'iidfile');
    const metadataFile = textOption(options, 'metadataFile');
    for (const path of [iidfile, metadataFile]) if (path !== undefined) checkOutputFile(path);
    const outputs = listOption(options, 'output');
    const toStdout = outputs.map(parseOutput).some((output) => 'dest' in output && output.dest === '-');
    if (toStdout && terminal.outIsTty) {
      throw cliError(
        'CLI_USAGE',
        { command: 'build', problem: 'an archive is nothing to see in a terminal' },
        { hint: 'name a file: -o type=tar,dest=files.tar, or send it on: > files.tar' },
      );
    }
    if ((args[0] === '-' || options.file === '-') && terminal.inIsTty) {
      throw cliError(
        'CLI_USAGE',
        { command: 'build', problem: 'standard input is a terminal' },
        { hint: 'send the Dockerfile or an archive of the context: dobos build - < Dockerfile' },
      );
    }
    for (const { key, flags, why } of IDLE) {
      if (options[key] !== undefined)
        terminal.err(
          `dobos: note: ${flags.split(/[ ,]+/).find((word) => word.startsWith('--'))} changes nothing: ${why}\n`,
        );
    }
    if (options.call !== undefined || options.check !== undefined) {
      const { readCall, runCall } = await import('../build-call.ts');
      const call = readCall(options);
      const request = {
        context: args[0]!,
        dockerfile: textOption(options, 'file'),
        buildArgs: listOption(options, 'buildArg'),
        target: textOption(options, 'target'),
        platform: textOption(options, 'platform'),
        buildContexts: listOption(options, 'buildContext'),
        pull: pullPolicy(options),
      };
      if (call !== undefined) return runCall(call, request, { app, terminal, signal });
    }
    const stop = new AbortController();
    const view = flagOption(options, 'plan')
      ? planView(terminal, stop)
      : await createView(terminal, textOption(options, 'progress'), quiet, app.settings.now);
    const shown = hideImplied(view);
    // Told of at the end, as docker does; a stream of events has them where they come.
    const apart = quiet || flagOption(options, 'plan') || options.progress === 'rawjson';
    const checks = apart ? undefined : createChecksNote();
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
          buildArgFiles: listOption(options, 'buildArgFile'),
          labels: listOption(options, 'label'),
          target: textOption(options, 'target'),
          platform: textOption(options, 'platform'),
          outputs,
          push: flagOption(options, 'push'),
          cacheFrom: listOption(options, 'cacheFrom'),
          cacheTo: listOption(options, 'cacheTo'),
          squash: flagOption(options, 'squashAll')
            ? 'all'
            : flagOption(options, 'squash')
              ? 'new'
              : undefined,
          buildContexts: listOption(options, 'buildContext'),
          annotations: listOption(options, 'annotation'),
          freshStages: listOption(options, 'cacheFilter').flatMap((list) => list.split(',')),
          network: textOption(options, 'network') as 'default' | 'host' | 'none',
          secrets: listOption(options, 'secret'),
          ssh: listOption(options, 'ssh'),
          allow: listOption(options, 'allow'),
          addHosts: listOption(options, 'addHost'),
          shmSize: textOption(options, 'shmSize'),
          ulimits: listOption(options, 'ulimit'),
          volumes: listOption(options, 'volume'),
          jobs: textOption(options, 'jobs'),
          useCache: options.cache !== false,
          checks: quiet ? 'errors' : 'all',
          runtime: textOption(options, 'runtime'),
          pull: pullPolicy(options),
        },
        {
          signal: AbortSignal.any([signal, stop.signal]),
          onEvent: (event) => (checks?.take(event) === true ? undefined : shown.show(event)),
          stdout: (bytes) => terminal.out(bytes),
          stdin: () => terminal.stdin(),
          onPull: view.pull,
          onPush: view.push,
          record: !flagOption(options, 'plan'),
        },
      );
    } catch (error) {
      if (stop.signal.aborted && !signal.aborted) return 0;
      if (quiet && isDobosError(error, 'BUILD_RUN_FAILED')) terminal.err(lastWords(error.facts.lines));
      throw error;
    } finally {
      view.end(signal.aborted);
      if (!signal.aborted) terminal.err(checks?.text(createPaint(terminal.colour)) ?? '');
    }
    const id = builtId(result);
    if (iidfile !== undefined) writeOutputFile(iidfile, id);
    if (metadataFile !== undefined) writeOutputFile(metadataFile, buildMetadata(result));
    if (options.progress === 'rawjson') return 0;
    if (quiet) {
      if (!toStdout) await terminal.out(`${id}\n`);
    } else {
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

const silent: BuildView = { show: () => {}, pull: () => {}, push: () => {}, end: () => {} };

async function createView(
  terminal: Terminal,
  progress: string | undefined,
  quiet: boolean,
  now: () => number,
): Promise<BuildView> {
  if (quiet) return silent;
  if (progress === 'rawjson') {
    const { createRawJsonView } = await import('../build-view/raw-json-view.ts');
    return createRawJsonView(terminal.err, now);
  }
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
    pull: createPullLines(terminal.err),
    push: () => {},
    end: () => {},
  };
}
