import { createVolume } from '../../app/volumes.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, listOption, textOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'volume create',
  aliases: [],
  summary: 'Make a volume; prints its name',
  usage: '[OPTIONS] [VOLUME]',
  arity: [0, 1],
  later: ['-o', '--opt'],
  options: [
    { flags: '--label <name=value>', summary: 'a label of the volume', repeat: true, common: true },
    { flags: '-d, --driver <name>', summary: 'only local is there', default: 'local' },
    { flags: '--name <name>', summary: 'another way to name it' },
  ],
  examples: ['dobos volume create data', 'dobos volume create --label of=shop db', 'dobos volume create'],
  async run({ app, terminal, args, options }) {
    const given = textOption(options, 'name');
    if (given !== undefined && args.length > 0) {
      const problem = 'conflicting options: either specify --name or provide positional arg, not both';
      throw cliError('CLI_USAGE', { command: 'volume create', problem });
    }
    const name = await createVolume(app, {
      name: args[0] ?? given,
      labels: listOption(options, 'label'),
      driver: textOption(options, 'driver') ?? 'local',
    });
    await terminal.out(`${name}\n`);
    return 0;
  },
};
