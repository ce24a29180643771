import type { App } from '../../app/app.ts';
import { type RunOptions, runContainer, runDetached } from '../../app/run-container.ts';
import { containerOptions } from '../container-options.ts';
import { SETTING_OPTIONS } from '../container-settings.ts';
import { cliError } from '../errors.ts';
import { NETWORK_OPTIONS } from '../network-options.ts';
import { afterStop, passOrStop } from '../pass-signals.ts';
import { imagePull, RUN_PULL_OPTION } from '../pull-option.ts';
import { createPullView } from '../pull-view/pull-view.ts';
import { FAILED_OPTION, imageOrFailed } from '../run-failed.ts';
import { type CommandSpec, flagOption } from '../spec.ts';
import type { Terminal } from '../terminal.ts';

export const command: CommandSpec = {
  name: 'run',
  aliases: ['container run'],
  summary: 'Run a program in a new container of an image',
  usage: '[OPTIONS] IMAGE|--failed [COMMAND] [ARG...]',
  arity: [0, Number.POSITIVE_INFINITY],
  passThrough: true,
  usageExit: 125,
  later: [
    '-a', '--attach', '--link', '--log-driver', '--log-opt', '--gpus', '--volumes-from', '--health-cmd', '--health-interval', '--health-retries',
    '--health-start-period', '--health-timeout', '--no-healthcheck', '--cgroupns', '--cgroup-parent', '--volume-driver', '--isolation',
  ], // biome-ignore format: a list
  options: [
    { flags: '-i, --interactive', summary: 'pass standard input on', common: true },
    { flags: '-t, --tty', summary: 'give the program a terminal', common: true },
    { flags: '-d, --detach', summary: 'in the background; prints the id', common: true },
    { flags: '--rm', summary: 'remove the container when it ends', common: true },
    {
      flags: '--restart <policy>',
      summary: 'start it again when it ends: on-failure, on-failure:5, always, unless-stopped or no',
    },
    { flags: '--name <name>', summary: 'of the container; one is made up otherwise', common: true },
    {
      flags: '-e, --env <name=value>',
      summary: 'set a variable; a name alone takes its value from here',
      repeat: true,
      common: true,
    },
    {
      flags: '-v, --volume <name:inside>',
      summary: 'show a volume or a host folder inside; `:ro` at the end for reading only',
      repeat: true,
      common: true,
    },
    {
      flags: '--mount <keys>',
      summary: 'type=bind, volume or tmpfs, src=, dst=, readonly; src must be there',
      repeat: true,
    },
    {
      flags: '--tmpfs <path>',
      summary: 'memory inside, with `:size=64m,mode=1770` and the like',
      repeat: true,
    },
    {
      flags: '--entrypoint <program>',
      summary: "instead of the image's ENTRYPOINT; its CMD falls away too",
      common: true,
    },
    { flags: '-u, --user <user>', summary: 'name or id, with `:group`' },
    { flags: '-w, --workdir <path>', summary: 'where the program starts' },
    ...NETWORK_OPTIONS,
    { flags: '-h, --hostname <name>', summary: 'its own name for the machine' },
    {
      flags: '--platform <os/arch>',
      summary: 'which image of an index; the one for this machine by default',
    },
    RUN_PULL_OPTION,
    FAILED_OPTION,
    { flags: '-q, --quiet', summary: 'show nothing of a pull' },
    { flags: '--runtime <name>', summary: 'an OCI runtime by name or path, `chroot`, or `unisolated`' },
    { flags: '-l, --label <name=value>', summary: 'a label of the container', repeat: true },
    ...SETTING_OPTIONS,
  ],
  examples: [
    'dobos run app',
    'dobos run -it --rm app /bin/sh',
    'dobos run -d --name web app',
    'dobos run -dit --name box app /bin/sh',
    'dobos run -v /data:/data:ro -e MODE=test app --verbose',
    'dobos run --failed -it sh',
  ],
  async run({ app, terminal, args, options, signal, takeSignals }) {
    const tty = flagOption(options, 'tty');
    const detach = flagOption(options, 'detach');
    if (tty && !detach && !terminal.inIsTty) {
      throw cliError(
        'CLI_USAGE',
        { command: 'run', problem: '-t needs a terminal, and standard input is none' },
        { hint: 'leave out -t' },
      );
    }
    const words = await imageOrFailed({ app, terminal, args, options });
    const [image, ...rest] = words;
    const stop = new AbortController();
    const view = flagOption(options, 'quiet') ? undefined : await createPullView(terminal, 'err');
    const asked: RunOptions = {
      ...containerOptions(words, options),
      pull: imagePull(app, options, { signal, onEvent: view?.show }),
      onPulled: () => view?.end(false),
      onWarning: (message) => terminal.err(`dobos: warning: ${message}\n`),
      signal: stop.signal,
      onStart: (pass) => takeSignals(passOrStop(terminal, pass, stop)),
    };
    const { code } = await (detach ? detached(app, terminal, asked) : runContainer(app, asked)).catch(
      (error: unknown) => {
        view?.end(signal.aborted);
        return afterStop(terminal, stop, error);
      },
    );
    if (code === 127 && rest[0]?.startsWith('-')) {
      terminal.err(
        `hint: options go before the image: dobos run ${rest[0]} ${image} ${rest.slice(1).join(' ')}`.trimEnd() +
          '\n',
      );
    }
    return code;
  },
};

/** Prints the id as soon as there is one, as docker does; the exit code. */
async function detached(app: App, terminal: Terminal, o: RunOptions): Promise<{ readonly code: number }> {
  const refused = await runDetached(app, { ...o, onCreated: (id) => terminal.out(`${id}\n`) });
  if (refused !== undefined) terminal.err(`dobos: ${refused.refused ?? `it ended with ${refused.code}`}\n`);
  return { code: refused?.code ?? 0 };
}
