import { checkContainers } from '../../containers/check-containers.ts';
import { safeJson, safeLines } from '../build-view/safe-text.ts';
import { type CommandSpec, flagOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'system check',
  aliases: [],
  summary: 'Check that everything in the store is whole',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [
    {
      flags: '--repair',
      summary: 'remove what is broken or left over; names stay, what is lost can be built or loaded again',
      common: true,
    },
    { flags: '--json', summary: 'one JSON object a problem', common: true },
  ],
  examples: ['dobos system check', 'dobos system check --repair', 'dobos system check --json'],
  async run({ app, terminal, options, signal }) {
    const store = await app.store();
    let blobs = 0;
    let problems = 0;
    let repaired = 0;
    const repair = flagOption(options, 'repair');
    const json = flagOption(options, 'json');
    const all = async function* () {
      yield* store.check({ signal, repair, onEvent: () => blobs++ });
      if (store.folder !== undefined) yield* checkContainers(store.folder);
    };
    for await (const problem of all()) {
      problems++;
      if (problem.repaired) repaired++;
      await terminal.out(
        json
          ? `${safeJson(problem)}\n`
          : `${problem.kind}: ${safeLines(problem.what)}${problem.repaired ? ' (removed)' : ''}\n`,
      );
    }
    if (!json) await terminal.out(`${verdict(blobs, problems, repaired)}\n`);
    return problems === repaired ? 0 : 1;
  },
};

function verdict(blobs: number, problems: number, repaired: number): string {
  const checked = `${blobs} blob${blobs === 1 ? '' : 's'} checked`;
  if (problems === 0) return `The store is whole: ${checked}`;
  const found = `${problems} problem${problems === 1 ? '' : 's'} found, ${checked}`;
  return repaired === 0
    ? `${found}; dobos system check --repair removes what is broken`
    : `${found}; ${repaired} removed`;
}
