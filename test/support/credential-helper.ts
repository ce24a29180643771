/** How the made helper answers. */
export interface HelperBehaviour {
  /** User and secret by server; kept in the file `keeps` when that is named. */
  readonly known?: Readonly<Record<string, readonly [username: string, secret: string]>>;
  /** A JSON file that `store` and `erase` change. */
  readonly keeps?: string;
  /** Appends a line for each call: own name, verb, server. */
  readonly log?: string;
  /** Answers every call so. */
  readonly exit?: number;
  readonly out?: string;
  readonly err?: string;
  /** Writes its process id there and waits for ever. */
  readonly hang?: string;
}

/** A program of Docker's protocol for credential helpers, to be written as `docker-credential-<name>`. */
export const helperScript = (behaviour: HelperBehaviour): string => `#!${process.execPath}
const { appendFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs');
const b = ${JSON.stringify(behaviour)};
const verb = process.argv[2];
const input = readFileSync(0, 'utf8');
const name = process.argv[1].replace(/.*docker-credential-/, '');
const server = verb === 'store' ? JSON.parse(input).ServerURL : input;
if (b.log) appendFileSync(b.log, name + ' ' + verb + ' ' + server + '\\n');
const finish = (code, out = '', err = '') => {
  process.exitCode = code;
  process.stdout.write(out);
  process.stderr.write(err);
};
if (b.hang) {
  writeFileSync(b.hang, String(process.pid));
  setInterval(() => {}, 1000);
} else if (b.exit !== undefined) finish(b.exit, b.out, b.err);
else {
  const known = b.keeps && existsSync(b.keeps) ? JSON.parse(readFileSync(b.keeps, 'utf8')) : (b.known ?? {});
  const found = known[server];
  const missing = () => finish(1, 'credentials not found in native keychain\\n');
  const keep = () => b.keeps && writeFileSync(b.keeps, JSON.stringify(known));
  if (verb === 'store') {
    const { Username, Secret } = JSON.parse(input);
    known[server] = [Username, Secret];
    keep();
  } else if (found === undefined) missing();
  else if (verb === 'get') finish(0, JSON.stringify({ ServerURL: server, Username: found[0], Secret: found[1] }));
  else if (verb === 'erase') {
    delete known[server];
    keep();
  } else finish(1, 'unknown verb');
}
`;
