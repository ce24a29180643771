import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'system check',
  aliases: [],
  summary: 'Check that everything in the store is whole',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [{ flags: '--json', summary: 'one JSON object a problem', common: true }],
  examples: ['dobos system check', 'dobos system check --json', 'dobos system prune'],
  limits: ['Finds damage and does not mend it yet: remove a broken image with rmi, load it again'],
  async run({ app, terminal, options, signal }) {
    const store = await app.store();
    let problems = 0;
    let blobs = 0;
    for await (const problem of store.check({ signal, onEvent: () => blobs++ })) {
      problems++;
      await terminal.out(
        options.json === true ? `${JSON.stringify(problem)}\n` : `${problem.kind}: ${problem.what}\n`,
      );
    }
    if (options.json !== true) {
      await terminal.out(
        problems === 0
          ? `The store is whole: ${blobs} blobs checked\n`
          : `${problems} problems in ${blobs} blobs\n`,
      );
    }
    return problems === 0 ? 0 : 1;
  },
};
