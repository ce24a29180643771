import { removeImage } from '../../app/remove-image.ts';
import { createPaint } from '../colour.ts';
import { formatError } from '../format-error.ts';
import { type CommandSpec, flagOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'rmi',
  aliases: ['image rm', 'image remove'],
  summary: 'Remove names of images, and images without a name',
  usage: '[OPTIONS] IMAGE...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [{ flags: '-f, --force', summary: 'all names of an id', common: true }],
  examples: ['dobos rmi app:old', 'dobos rmi 3f1c2a', 'dobos rmi -f 3f1c2a'],
  limits: ['What the build cache uses stays on disk until: dobos builder prune'],
  async run({ app, terminal, args, options }) {
    let failed = 0;
    let removed = false;
    for (const name of args) {
      try {
        const { untagged, deleted } = await removeImage(app, name, { force: flagOption(options, 'force') });
        removed = true;
        await terminal.out(untagged.map((text) => `Untagged: ${text}\n`).join(''));
        if (deleted !== undefined) await terminal.out(`Deleted: ${deleted}\n`);
      } catch (error) {
        failed = 1;
        terminal.err(formatError(error, createPaint(terminal.colour), false));
      }
    }
    if (removed) await (await app.store()).collect();
    return failed;
  },
};
