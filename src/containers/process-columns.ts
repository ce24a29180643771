import { readFileSync } from 'node:fs';
import { containerError } from './errors.ts';

/** A process as `ps` of the machine would show it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  /** Of the machine's `/etc/passwd`; the number if there is no name. */
  readonly user: string;
  /** One letter, as in proc(5). */
  readonly state: string;
  /** `pts/0`, or `?`. */
  readonly tty: string;
  readonly nice: number;
  /** Seconds on a processor. */
  readonly busy: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Bytes. */
  readonly virtual: number;
  readonly resident: number;
  readonly program: string;
  readonly command: string;
}

/** Ticks of a second in what the kernel shows to programs, on every architecture that Node runs on. */
const TICKS = 100;

/** What /proc says of a process; undefined when it has ended. `users`: names by number. proc(5), stat, status and cmdline */
export function readProcessFacts(
  pid: number,
  bootedAt: number,
  users: ReadonlyMap<number, string>,
): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    const program = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    // The first of these is the third of the page, and so on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (number: number): number => Number(fields[number - 3]);
    const uid = Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]);
    return {
      pid,
      parent: field(4),
      uid,
      user: users.get(uid) ?? String(uid),
      state: fields[0] ?? '?',
      tty: ttyName(field(7)),
      nice: field(19),
      busy: (field(14) + field(15)) / TICKS,
      startedAt: bootedAt + (field(22) * 1000) / TICKS,
      virtual: field(23),
      // The number in stat is an estimate, and of pages of a size that is not told. What has no memory of its own has no such line.
      resident: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024,
      program,
      command: words.length > 0 ? words.join(' ') : `[${program}]`,
    };
  } catch {
    return undefined;
  }
}

/** Names by number. */
export function readUserNames(passwd: string): Map<number, string> {
  const users = new Map<number, string>();
  for (const line of passwd.split('\n')) {
    const [name, , uid] = line.split(':');
    if (name && uid && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return users;
}

/** Of a terminal's number: Linux's devices.txt, 4 and 136 to 143. */
function ttyName(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  return major === 4 ? `tty${minor}` : '?';
}

interface Column {
  readonly title: string;
  readonly show: (facts: ProcessFacts, now: number) => string;
}

const two = (value: number): string => String(value).padStart(2, '0');
const hours = (seconds: number): string =>
  `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(Math.floor(seconds) % 60)}`;
const minutes = (seconds: number): string => `${Math.floor(seconds / 60)}:${two(Math.floor(seconds) % 60)}`;
const share = ({ busy, startedAt }: ProcessFacts, now: number): number =>
  (busy * 100) / Math.max(1, (now - startedAt) / 1000);

/** `10:24` today, `Nov29` this year, `2025` before, in the time zone of whoever asks. */
function begin({ startedAt }: ProcessFacts, now: number): string {
  const [then, today] = [new Date(startedAt), new Date(now)];
  if (then.toDateString() === today.toDateString())
    return `${two(then.getHours())}:${two(then.getMinutes())}`;
  if (then.getFullYear() !== today.getFullYear()) return String(then.getFullYear());
  return `${then.toDateString().slice(4, 7)}${two(then.getDate())}`;
}

/** Days, if there are any, before hours. */
const age = ({ startedAt }: ProcessFacts, now: number): string => {
  const seconds = Math.max(0, Math.floor((now - startedAt) / 1000));
  const days = Math.floor(seconds / 86_400);
  const text = hours(seconds % 86_400);
  return days > 0 ? `${days}-${text}` : text.replace(/^00:/, '');
};

const column = (title: string, show: Column['show']): Column => ({ title, show });
const PID = column('PID', ({ pid }) => String(pid));
const USER = column('USER', ({ user }) => user);
const TTY = column('TTY', ({ tty }) => tty);
const COMMAND = column('COMMAND', ({ command }) => command);
const STAT = column('STAT', ({ state }) => state);
const VSZ = column('VSZ', ({ virtual }) => String(Math.floor(virtual / 1024)));
const RSS = column('RSS', ({ resident }) => String(Math.floor(resident / 1024)));
const CPU = column('%CPU', (facts, now) => share(facts, now).toFixed(1));
const named = (title: string, { show }: Column): Column => ({ title, show });

const FULL: readonly Column[] = [
  named('UID', USER),
  PID,
  column('PPID', ({ parent }) => String(parent)),
  column('C', (facts, now) => String(Math.min(99, Math.floor(share(facts, now))))),
  column('STIME', begin),
  TTY,
  column('TIME', ({ busy }) => hours(busy)),
  named('CMD', COMMAND),
];
const BSD: readonly Column[] = [
  USER,
  PID,
  CPU,
  VSZ,
  RSS,
  TTY,
  STAT,
  column('START', begin),
  column('TIME', ({ busy }) => minutes(busy)),
  COMMAND,
];
const BY_NAME: Readonly<Record<string, Column>> = {
  pid: PID,
  ppid: FULL[2]!,
  uid: column('UID', ({ uid }) => String(uid)),
  user: USER,
  comm: column('COMMAND', ({ program }) => program),
  args: COMMAND,
  command: COMMAND,
  cmd: named('CMD', COMMAND),
  tty: TTY,
  tt: named('TT', TTY),
  stat: STAT,
  s: named('S', STAT),
  ni: column('NI', ({ nice }) => String(nice)),
  time: FULL[6]!,
  etime: column('ELAPSED', age),
  stime: FULL[4]!,
  start: named('STARTED', FULL[4]!),
  vsz: VSZ,
  rss: RSS,
  pcpu: CPU,
  '%cpu': CPU,
};

/** The columns that options of `ps` ask for: `-ef` when there are none, `aux`, and lists of `-o`. @throws CONTAINER_TOP_OPTION for others */
export function processColumns(options: readonly string[]): readonly Column[] {
  const refuse = (option: string, known: string): never => {
    throw containerError('CONTAINER_TOP_OPTION', { option, known });
  };
  let columns: Column[] | undefined;
  let bsd = false;
  for (let at = 0; at < options.length; at++) {
    const option = options[at]!;
    const [, letters = '', rest = ''] = /^(-?[Aaefux]*)(o.*)?$/s.exec(option) ?? [];
    if (letters === '' && rest === '')
      return refuse(option, 'there are -e, -f, -ef, aux, and -o with names of columns');
    if (/u/.test(letters)) bsd = true;
    if (rest === '') continue;
    const list = rest === 'o' ? options[++at] : rest.slice(1);
    columns ??= [];
    for (const name of (list ?? '').split(/[\s,]+/)) {
      const [key = '', title] = name.split('=', 2);
      const found = Object.hasOwn(BY_NAME, key) ? BY_NAME[key] : undefined;
      if (found === undefined) return refuse(key, `columns are ${Object.keys(BY_NAME).join(', ')}`);
      columns.push(title ? named(title, found) : found);
    }
  }
  if (columns !== undefined && !columns.some(({ show }) => show === PID.show))
    return refuse(options.join(' '), 'the list of -o must have pid');
  return columns ?? (bsd ? BSD : FULL);
}
