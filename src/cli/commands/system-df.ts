import { diskUse } from '../../app/disk-use.ts';
import { formatOption, printFormatted } from '../format-option.ts';
import type { CommandSpec } from '../spec.ts';
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
    if (options.format !== undefined) return printFormatted(terminal, options, rows);
    const head = ['TYPE', 'TOTAL', 'ACTIVE', 'SIZE', 'RECLAIMABLE'];
    await terminal.out(formatTable([head, ...rows.map((row) => Object.values(row))]));
    return 0;
  },
};
