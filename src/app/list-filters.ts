import { errorMaker } from '../base/errors.ts';
import { readMoment } from './read-moment.ts';

type FilterErrors = {
  LIST_FILTER: { filter: string; problem: string; want: string };
};
const filterError = errorMaker<FilterErrors>({
  LIST_FILTER: ({ filter, problem, want }) => ({
    message: `filter "${filter}": ${problem}`,
    hint: `want ${want}`,
  }),
});

type Test<T> = (item: T) => boolean;

/** One kind of `--filter` of a list. */
export interface FilterKind<T> {
  /** As it is written: `exited=CODE`. */
  readonly form: string;
  /** The test for a value; a text is what is wrong with it. */
  readonly read: (value: string) => Test<T> | string | Promise<Test<T> | string>;
  /** Kinds of one group are one key: any of them may fit. */
  readonly group?: string | undefined;
  /** Of several all must fit. */
  readonly every?: boolean | undefined;
}

/** The filters of a list, by key. */
export type FilterKinds<T> = Readonly<Record<string, FilterKind<T>>>;

/** The test that filters come to, as docker has them: of one key any may fit, of labels and of several keys all must. @throws LIST_FILTER, which names all there are, and as the kinds */
export async function readFilters<T>(texts: readonly string[], kinds: FilterKinds<T>): Promise<Test<T>> {
  const want = Object.values(kinds)
    .map(({ form }) => form)
    .join(', ');
  const tests = new Map<string, Test<T>[]>();
  for (const text of texts) {
    const wrong = (problem: string): Error => filterError('LIST_FILTER', { filter: text, problem, want });
    const at = text.indexOf('=');
    if (at <= 0) throw wrong('it is no key=value');
    const key = text.slice(0, at);
    const kind = Object.hasOwn(kinds, key) ? kinds[key] : undefined;
    if (kind === undefined) throw wrong(`there is no filter "${key}"`);
    const test = await kind.read(text.slice(at + 1));
    if (typeof test === 'string') throw wrong(test);
    const { group = kind.every === true ? text : key } = kind;
    tests.set(group, [...(tests.get(group) ?? []), test]);
  }
  return (item) => [...tests.values()].every((some) => some.some((test) => test(item)));
}

/** `name=` and `id=`: a regular expression that fits anywhere in one of the names. */
export const nameFilter = <T>(form: string, namesOf: (item: T) => readonly string[]): FilterKind<T> => ({
  form,
  read(value) {
    let wanted: RegExp;
    try {
      wanted = new RegExp(value);
    } catch {
      return 'it is no regular expression';
    }
    return (item) => namesOf(item).some((name) => wanted.test(name));
  },
});

type Labels = Readonly<Record<string, string>> | undefined;

/** `label=KEY[=VALUE]`, and with `not` those that do not have it. */
export const labelFilter = <T>(labelsOf: (item: T) => Labels, not = false): FilterKind<T> => ({
  form: `label${not ? '!' : ''}=KEY[=VALUE]`,
  every: true,
  read(value) {
    const [key = ''] = value.split('=', 1);
    const wanted = value === key ? undefined : value.slice(key.length + 1);
    return (item) => {
      const labels = labelsOf(item) ?? {};
      const has = Object.hasOwn(labels, key) && (wanted === undefined || labels[key] === wanted);
      return has !== not;
    };
  },
});

/** `key=true` and the like. */
export const truthFilter = <T>(key: string, isSo: Test<T>): FilterKind<T> => ({
  form: `${key}=true|false`,
  read(value) {
    if (!/^(?:true|false|1|0)$/i.test(value)) return 'want true or false';
    const wanted = /^(?:true|1)$/i.test(value);
    return (item) => isSo(item) === wanted;
  },
});

/** `until=`: what was made before a moment. */
export const untilFilter = <T>(now: number, madeAt: (item: T) => number): FilterKind<T> => ({
  form: 'until=24h|DATE',
  every: true,
  read(value) {
    const moment = readMoment(value, now);
    return moment === undefined
      ? 'want a time such as 24h, or a date'
      : (item: T): boolean => madeAt(item) < moment;
  },
});
