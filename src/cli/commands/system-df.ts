import { diskUse } from '../../app/disk-use.ts';
import { formatOption, printList } from '../format-option.ts';
import { type CommandSpec, textOption } from '../spec.ts';
import { formatTable } from '../table.ts';
import { formatDockerSize } from '../units.ts';

export const command: CommandSpec = {
  name: 'system df',
  aliases: [],
  summary: 'Show what takes space in the store',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [formatOption],
  examples: ['dobos system df', 'dobos system df --format json', 'dobos system prune'],
  async run({ app, terminal, options }) {
    const rows = (await diskUse(app)).map((use) => ({
      Type: use.kind,
      TotalCount: String(use.total),
      Active: String(use.active),
      Size: formatDockerSize(use.bytes),
      Reclaimable: `${formatDockerSize(use.reclaimable)}${use.bytes > 0 ? ` (${Math.floor((100 * use.reclaimable) / use.bytes)}%)` : ''}`,
    }));
    if (options.format !== undefined)
      return printList(terminal, textOption(options, 'format'), rows, HEADINGS);
    await terminal.out(formatTable([Object.values(HEADINGS), ...rows.map((row) => Object.values(row))]));
    return 0;
  },
};

const HEADINGS = {
  Type: 'TYPE',
  TotalCount: 'TOTAL',
  Active: 'ACTIVE',
  Size: 'SIZE',
  Reclaimable: 'RECLAIMABLE',
};
