import { lookUpContainer, openContainers } from '../../app/containers.ts';
import { rootOfContainer } from '../../containers/run-container.ts';
import { safeText } from '../build-view/safe-text.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'diff',
  aliases: ['container diff'],
  summary: 'Show which files a container added, changed and deleted',
  usage: 'CONTAINER',
  arity: [1, 1],
  options: [],
  examples: ['dobos diff eager_carver', 'dobos diff box'],
  async run({ app, terminal, args, signal }) {
    const { records, keeper } = await openContainers(app);
    const container = await lookUpContainer(records, args[0]!);
    const changes = await (await keeper()).rootChanges(rootOfContainer(records, container), { signal });
    for (let at = 0; at < changes.length; at += LINES_AT_ONCE) {
      const lines = changes.slice(at, at + LINES_AT_ONCE);
      await terminal.out(lines.map(({ kind, path }) => `${LETTERS[kind]} /${safeText(path)}\n`).join(''));
    }
    return 0;
  },
};

const LETTERS = { added: 'A', changed: 'C', removed: 'D' } as const;
/** So that a slow reader is waited for. */
const LINES_AT_ONCE = 1000;
