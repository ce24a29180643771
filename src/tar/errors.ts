import { errorMaker } from '../base/errors.ts';

type TarErrors = {
  TAR_TRUNCATED: { offset: number; inside: string };
  TAR_BAD_HEADER: { offset: number; problem: string; entry?: string | undefined };
  TAR_LIMIT: { offset: number; what: string; got: number; limit: number; entry?: string | undefined };
  TAR_UNSUPPORTED: { offset: number; what: string; entry: string };
  TAR_TRAILING: { offset: number };
  TAR_BODY_GONE: { entry: string };
  TAR_CANNOT_ENCODE: { entry: string; problem: string };
};

/** Errors of the tar room. `offset` is the byte in the uncompressed tar where the header or block stands. */
export const tarError = errorMaker<TarErrors>({
  TAR_TRUNCATED: ({ offset, inside }) => ({
    message: `tar ends after ${offset} bytes, inside ${inside}`,
    hint: 'the archive was cut off: fetch or write it again',
  }),
  TAR_BAD_HEADER: ({ offset, problem, entry }) =>
    `tar header at byte ${offset}${entry === undefined ? '' : ` (${shown(entry)})`}: ${problem}`,
  TAR_LIMIT: ({ offset, what, got, limit, entry }) =>
    `tar header at byte ${offset}${entry === undefined ? '' : ` (${shown(entry)})`}: ${what} ${got}, want at most ${limit}`,
  TAR_UNSUPPORTED: ({ offset, what, entry }) =>
    `tar entry ${shown(entry)} at byte ${offset}: ${what} is not supported`,
  TAR_TRAILING: ({ offset }) => `tar has data at byte ${offset}, after its end-of-archive blocks`,
  TAR_BODY_GONE: ({ entry }) =>
    `the body of tar entry ${shown(entry)} was read after the next entry was asked for`,
  TAR_CANNOT_ENCODE: ({ entry, problem }) => `tar cannot hold entry ${shown(entry)}: ${problem}`,
});

/** A name made safe and short enough for a message. */
export function shown(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
