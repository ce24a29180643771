import { removeByName } from '../../app/remove-containers.ts';
import { eachName } from '../each-name.ts';
import { type CommandSpec, flagOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'rm',
  aliases: ['container rm', 'container remove'],
  summary: 'Remove containers, with what they wrote',
  usage: '[OPTIONS] CONTAINER...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [
    { flags: '-f, --force', summary: 'kill those that run', common: true },
    { flags: '-v, --volumes', summary: 'their volumes without a name too' },
  ],
  examples: ['dobos rm eager_carver', 'dobos rm -f box', 'dobos rm 3f1c2a 99ab'],
  async run({ app, terminal, args, options }) {
    const force = flagOption(options, 'force');
    return eachName(terminal, args, async (name) => {
      await removeByName(app, name, { force, volumes: flagOption(options, 'volumes') });
      return name;
    });
  },
};
