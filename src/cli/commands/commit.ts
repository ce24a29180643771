import { commitToImage } from '../../app/commit-container.ts';
import { createPaint } from '../colour.ts';
import { type CommandSpec, listOption, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'commit',
  aliases: ['container commit'],
  summary: 'Make an image of a container: its image with what it changed as one more layer',
  usage: '[OPTIONS] CONTAINER [NAME[:TAG]]',
  arity: [1, 2],
  options: [
    { flags: '-m, --message <text>', summary: 'the comment in the history', common: true },
    { flags: '-a, --author <name>', summary: 'who made it', common: true },
    {
      flags: '-c, --change <instruction>',
      summary: 'a Dockerfile instruction for the config',
      repeat: true,
      common: true,
    },
    { flags: '-p, --pause', summary: 'accepted for scripts; a running container goes on' },
  ],
  examples: [
    'dobos commit eager_carver my_new_image',
    'dobos commit -m "with gcc" -a "Ada" box app:2',
    'dobos commit -c \'CMD ["/app/run"]\' box app',
  ],
  limits: [
    'A running container is not paused: if it changes a file meanwhile, its files are copied first, one after the other.',
    'What is mounted into it, /etc/resolv.conf and /etc/hosts of the container are left out.',
  ],
  async run({ app, terminal, args, options, signal }) {
    const [container = '', name] = args;
    const { id, changed } = await commitToImage(app, {
      container,
      name,
      changes: listOption(options, 'change'),
      message: textOption(options, 'message'),
      author: textOption(options, 'author'),
      signal,
    });
    if (!changed) {
      const paint = createPaint(terminal.colour);
      terminal.err(
        `${paint('accent', 'dobos: warning:')} nothing changed in ${container}: the new image shows the same files as its image\n`,
      );
    }
    await terminal.out(`${id}\n`);
    return 0;
  },
};
