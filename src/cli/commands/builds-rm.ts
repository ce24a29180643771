import { removeBuilds } from '../../app/build-records.ts';
import { cliError } from '../errors.ts';
import { type CommandSpec, flagOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'builds rm',
  aliases: ['builds remove', 'buildx history rm'],
  summary: 'Remove records of builds with their logs, and what their failed steps left; images stay',
  usage: '[OPTIONS] [BUILD...]',
  arity: [0, Number.POSITIVE_INFINITY],
  options: [{ flags: '-a, --all', summary: 'every build that has ended', common: true }],
  examples: ['dobos builds rm ^0', 'dobos builds rm --all', 'dobos builds ls'],
  async run({ app, terminal, args, options }) {
    const all = flagOption(options, 'all');
    if (all === args.length > 0) {
      const problem = all
        ? '--all removes every record, and builds are named too'
        : 'needs a build, or --all';
      throw cliError('CLI_USAGE', { command: 'builds rm', problem }, { hint: 'dobos builds ls lists them' });
    }
    const { removed } = await removeBuilds(app, all ? 'all' : args);
    await terminal.out(removed.map((id) => `${id}\n`).join(''));
    return 0;
  },
};
