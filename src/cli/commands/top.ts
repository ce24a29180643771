import { topContainer } from '../../app/top-container.ts';
import type { CommandSpec } from '../spec.ts';
import { formatTable } from '../table.ts';

/** docker's columns are so wide at least, with the blanks between. */
const LEAST_WIDTH = 20;
const APART = 3;

export const command: CommandSpec = {
  name: 'top',
  aliases: ['container top'],
  summary: 'Show the processes of a running container',
  usage: 'CONTAINER [PS OPTIONS]',
  arity: [1, Number.POSITIVE_INFINITY],
  passThrough: true,
  options: [],
  examples: ['dobos top web', 'dobos top web aux', 'dobos top web -o pid,user,etime,args'],
  limits: ['Of the options of ps those that choose columns: -e, -f, -ef, aux, and -o with the usual names.'],
  async run({ app, terminal, args }) {
    const [name = '', ...options] = args;
    const { Titles, Processes } = await topContainer(app, name, options);
    const rows = [Titles, ...Processes].map((row) =>
      row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(LEAST_WIDTH - APART))),
    );
    await terminal.out(formatTable(rows, APART));
    return 0;
  },
};
