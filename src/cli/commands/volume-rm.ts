import { removeVolumeByName } from '../../app/volumes.ts';
import { eachName } from '../each-name.ts';
import { type CommandSpec, flagOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'volume rm',
  aliases: ['volume remove'],
  summary: 'Remove volumes with all that is in them',
  usage: '[OPTIONS] VOLUME...',
  arity: [1, Number.POSITIVE_INFINITY],
  options: [{ flags: '-f, --force', summary: 'one that is not there is no error', common: true }],
  examples: ['dobos volume rm data', 'dobos volume rm -f data db'],
  limits: ['A volume that a container uses is never removed, whether that runs or not.'],
  async run({ app, terminal, args, options }) {
    return eachName(terminal, args, async (name) => {
      await removeVolumeByName(app, name, { force: flagOption(options, 'force') });
      return name;
    });
  },
};
