import { describe, expect, it } from 'vitest';
import {
  type FilterKinds,
  labelFilter,
  nameFilter,
  readFilters,
  truthFilter,
  untilFilter,
} from './list-filters.ts';

interface Thing {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly at: number;
}
const NOW = Date.UTC(2026, 5, 2);
const KINDS: FilterKinds<Thing> = {
  name: nameFilter('name=NAME', ({ name }) => [name, `/${name}`]),
  label: labelFilter(({ labels }) => labels),
  'label!': labelFilter(({ labels }) => labels, true),
  old: truthFilter('old', ({ at }) => at < 100),
  until: untilFilter(NOW, ({ at }) => at),
};
const THINGS: readonly Thing[] = [
  { name: 'box', labels: { a: '1', b: '' }, at: 0 },
  { name: 'toolbox', labels: { a: '2' }, at: Date.UTC(2026, 5, 1) },
  { name: 'web', at: NOW },
];
const chosen = async (...filters: string[]): Promise<string[]> => {
  const fits = await readFilters(filters, KINDS);
  return THINGS.filter(fits).map(({ name }) => name);
};

describe('filters of a list', () => {
  it.each([
    [[], ['box', 'toolbox', 'web']],
    [['name=box'], ['box', 'toolbox']],
    [['name=^box$'], ['box']],
    [['name=^/box'], ['box']],
    [
      ['name=^b', 'name=^w'],
      ['box', 'web'],
    ],
    [['name=box', 'label=a=2'], ['toolbox']],
    [['label=a'], ['box', 'toolbox']],
    [['label=a', 'label=b'], ['box']],
    [['label=b='], ['box']],
    [['label=toString'], []],
    [['label!=a'], ['web']],
    [['label!=a=1', 'label!=a=2'], ['web']],
    [['old=true'], ['box']],
    [['old=0'], ['toolbox', 'web']],
    [['until=12h'], ['box', 'toolbox']],
    [['until=2026-05-31'], ['box']],
  ])('%j', async (filters, names) => expect(await chosen(...filters)).toEqual(names));

  it.each([
    ['x=y', 'filter "x=y": there is no filter "x"'],
    ['toString=1', 'there is no filter "toString"'],
    ['name', 'it is no key=value'],
    ['=x', 'it is no key=value'],
    ['name=(', 'it is no regular expression'],
    ['old=maybe', 'want true or false'],
    ['until=soon', 'want a time such as 24h, or a date'],
  ])('%s is refused, with what there is', async (filter, message) => {
    await expect(chosen(filter)).rejects.toMatchObject({
      code: 'LIST_FILTER',
      message: expect.stringContaining(message),
      hint: 'want name=NAME, label=KEY[=VALUE], label!=KEY[=VALUE], old=true|false, until=24h|DATE',
    });
  });
});
