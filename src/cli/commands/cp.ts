import { copyToContainer, copyToLocal, copyToTar, parseCopySide } from '../../app/copy-files.ts';
import { safeText } from '../build-view/safe-text.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, flagOption } from '../spec.ts';
import { formatDockerSize } from '../units.ts';

export const command: CommandSpec = {
  name: 'cp',
  aliases: ['container cp'],
  summary: 'Copy files between a container and this machine',
  usage: '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH',
  arity: [2, 2],
  options: [
    {
      flags: '-a, --archive',
      summary: "in: files become the container's user's; out: owners and set-user-id bits are kept",
      common: true,
    },
    { flags: '-L, --follow-link', summary: 'copy what a link SRC_PATH leads to', common: true },
    { flags: '-q, --quiet', summary: 'print nothing when it is done' },
  ],
  examples: ['dobos cp box:/etc/hosts .', 'dobos cp src/. box:/app', 'dobos cp box:/var/log - | tar -t'],
  limits: [
    'Of extended attributes only file capabilities are copied, and out of a container only with -a; device files never come out.',
    'With `create --rm` nothing can be copied in before the container runs.',
  ],
  async run({ app, terminal, args, options, signal }) {
    const [source = '', target = ''] = args;
    const from = parseCopySide(source);
    const to = parseCopySide(target);
    const wrong = (problem: string): Error => cliError('CLI_USAGE', { command: 'cp', problem });
    const how = {
      archive: flagOption(options, 'archive'),
      follow: flagOption(options, 'followLink'),
      signal,
      onLeftOut: (name: string) =>
        terminal.err(`dobos: warning: ${safeText(name)} is a device file and was left out\n`),
    };
    const cwd = process.cwd();
    const told = (bytes: number, place: string): void => {
      if (terminal.errIsTty && !flagOption(options, 'quiet')) {
        terminal.err(`Successfully copied ${formatDockerSize(bytes)} to ${place}\n`);
      }
    };
    if (from.container !== undefined && to.container !== undefined)
      throw wrong('copying between containers is not supported');
    if (from.container !== undefined) {
      const name = from.container;
      if (target === '-') {
        if (terminal.outIsTty) throw wrong('an archive is nothing to see in a terminal');
        for await (const part of copyToTar(app, name, from.path, how)) await terminal.out(part);
      } else told(await copyToLocal(app, { name, path: from.path, local: target, cwd }, how), target);
      return 0;
    }
    if (to.container === undefined) throw wrong('must specify at least one container source');
    const what = source === '-' ? { tar: terminal.stdin() } : source;
    const bytes = await copyToContainer(app, { name: to.container, path: to.path, from: what, cwd }, how);
    told(bytes, target);
    return 0;
  },
};
