/** What a token is good for: `repository:<name>:pull` (the distribution's token scope grammar). */
export interface Scope {
  /** `repository`, `repository(plugin)`, `registry`. */
  readonly type: string;
  /** May have colons of its own: `localhost:5000/app`. */
  readonly name: string;
  readonly actions: readonly string[];
}

/** Scopes of one challenge that are read. */
const MAX_SCOPES = 16;

/** The scopes in a space-separated list; what does not read as one is left out. */
export function parseScopes(text: string): Scope[] {
  const scopes: Scope[] = [];
  for (const word of text.split(' ')) {
    const match = /^([a-z][a-z0-9]*(?:\([a-z0-9]*\))?):([^\s"]{1,300}):([a-z*]+(?:,[a-z*]+)*)$/.exec(word);
    if (match === null || scopes.length >= MAX_SCOPES) continue;
    const [, type = '', name = '', actions = ''] = match;
    scopes.push({ type, name, actions: actions.split(',') });
  }
  return scopes;
}

/** As it is spelled in a request. */
export function formatScope({ type, name, actions }: Scope): string {
  return `${type}:${name}:${actions.join(',')}`;
}

/** Reading one repository. */
export function pullScope(repository: string): Scope {
  return { type: 'repository', name: repository, actions: ['pull'] };
}

/** Reading one repository, and writing to it. */
export function pushScope(repository: string): Scope {
  return { type: 'repository', name: repository, actions: ['pull', 'push'] };
}

/**
 * What to ask a token for, after a challenge that names scopes: its repositories, but never more than `own` allows. A registry may know a repository by
 * another name than its address has; what it may not do is make us fetch a token that can write where nothing is to be written. What is to be done at all
 * is asked for at once for the repository itself, so that looking and writing are one token. Without such a scope: `own`.
 */
export function allowedScopes(challenged: string | undefined, own: Scope): Scope[] {
  const repositories = parseScopes(challenged ?? '').filter(({ type }) => type.startsWith('repository'));
  if (repositories.length === 0) return [own];
  return repositories.map(({ type, name, actions }) => {
    if (name === own.name) return { type, name, actions: own.actions };
    const shared = own.actions.filter((action) => action === 'pull' || actions.includes(action));
    return { type, name, actions: shared };
  });
}

/** Both lists, each scope once. */
export function joinScopes(a: readonly Scope[], b: readonly Scope[]): Scope[] {
  return [...new Map([...a, ...b].map((scope) => [formatScope(scope), scope])).values()];
}
