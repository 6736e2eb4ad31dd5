/** A walk over every route of the OpenAPI document, as everybody who can ask: with every right, with few, and with none. */
import type { Answered, Ask, Asked } from "./ask.ts";
import type { Flock } from "./canaries.ts";
import { allSecrets, places } from "./stage.ts";

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
}

/** Headers by which somebody is known. */
export type Who = Readonly<Record<string, string>>;

/** Asks every operation as each of them; `round` tells which secrets are given where one is wanted. */
export async function walkRoutes(
  ask: Ask,
  flock: Flock,
  { whos, round }: { readonly whos: readonly Who[]; readonly round: number },
): Promise<number> {
  const document = JSON.parse((await ask({ method: "GET", url: "/openapi.json" })).text) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  let asked = 0;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (path === "/api/v1/events") continue; // It has no end, and is read by the side.
      const requests = requestsFor(flock, `${method.toUpperCase()} ${path}`, operation, round);
      for (const [index, headers] of whos.entries()) {
        // The first may do it all. The others are refused, most of them before anybody looks at what they send. Passwords are slow by intent.
        const some = path.endsWith("/login") ? 0 : 2;
        for (const request of index === 0 ? requests : requests.slice(0, some)) {
          await ask({ ...request, headers: { ...request.headers, ...headers } });
          asked++;
        }
      }
    }
  }
  return asked;
}

/** What a person gets wrong, beside what is right. A wrong value is nobody's secret, and still not to be repeated. */
function requestsFor(flock: Flock, route: string, operation: Operation, round: number): Asked[] {
  const [method = "", path = ""] = route.split(" ");
  const wrong = flock.canary("wrong");
  const urls = urlsOf(path, operation);
  // One that is in force all the time: of what was before the last change, nobody knows any more that it was secret.
  const message = `?message=${encodeURIComponent(`it is ${flock.canary("schema", round)}`)}`;
  const values = allSecrets(flock, round);
  const bodies: Readonly<Record<string, readonly unknown[]>> = {
    "PUT /api/v1/settings": [
      values,
      { typed: { port: wrong } },
      { system: { password: wrong } },
      { mail: { password: { a: wrong } } },
    ],
    "PUT /api/v1/settings/{section}": [{ password: flock.canary("named", round) }, { password: [wrong] }],
    "PUT /api/v1/settings/{section}/{key}": [{ value: { a: wrong } }, { valeu: wrong }, wrong],
    "POST /api/v1/settings/validate": [
      values,
      { typed: { port: wrong, kind: wrong, password: wrong } },
      { adopt: { port: wrong } },
    ],
    "POST /api/v1/settings/rollback": [{ to: 2, section: "mail" }, { to: wrong }, { to: 99999 }],
    "POST /api/v1/seal": [{ which: "clear" }, { which: "old" }, { which: wrong }],
    "POST /api/v1/settings/seal": [{ which: "clear" }, { which: wrong }],
    "POST /api/v1/plan": [{}, { settings: values }, { settings: { typed: { port: wrong } } }, { settings: wrong }],
    "POST /api/v1/apply": [
      {},
      { hash: wrong },
      { hash: "x", settings: values, message: flock.canary("schema", round) },
    ],
    "PUT /api/v1/environment/{name}": [
      { value: flock.canary("variable", round) },
      { value: { a: wrong } },
      { valeu: wrong },
    ],
    ...treeBodies(flock, round),
    "POST /api/v1/login": [
      { user: "ann", password: wrong },
      { user: wrong, password: flock.canary("password") },
      { user: "nobody", password: wrong, more: wrong },
    ],
    "POST /api/v1/refresh": [{ refresh: wrong }, { refresh: 1, more: wrong }],
    "POST /api/v1/logout": [{ refresh: wrong }],
  };
  if (route === "PUT /api/settings/{section}")
    return ["password", "host", "nobody"].map((key) => {
      return {
        method,
        url: `/api/settings/mail?key=${key}&value=${encodeURIComponent(key === "host" ? "h" : flock.canary("named", round))}`,
      };
    });
  // Sections are taken away by whoever may: that is for the end.
  if (method === "DELETE")
    return urls.map((url) => ({ method, url: `${url}nobody${path.startsWith("/api/v1/") ? message : ""}` }));
  const given = bodies[route] ?? [undefined];
  const damaged =
    given[0] === undefined
      ? []
      : [`{"password": ${JSON.stringify(wrong)}`, `"${wrong}`, `{"${wrong}": 1, "${wrong}": `];
  // A reason names what it is about: secrets of one app are nothing that another one could know.
  const query = method === "GET" || !path.startsWith("/api/v1/") ? "" : message;
  return urls.flatMap((url) => [...given, ...damaged].map((body) => ({ method, url: `${url}${query}`, body })));
}

/** An app of its own, with what is secret by its name, by the schema, and in a URL. */
function treeBodies(flock: Flock, round: number): Record<string, readonly unknown[]> {
  const secret = flock.canary("tree", round);
  const wrong = flock.canary("wrong");
  const schema = {
    properties: { pinned: { writeOnly: true, type: "string", minLength: 3 }, port: { type: "integer" } },
  };
  const data = {
    login: { password: secret, plain: 1 },
    pinned: secret,
    token: [secret],
    url: `https://u:${secret}@h/`,
  };
  const bad = { pinned: { a: wrong }, login: { password: wrong }, "": 1 };
  return {
    "POST /api/apps/{app}": [{ data, schema }, { data: bad, schema }, { data: wrong }],
    "POST /api/apps/{app}/config": [data, bad, wrong],
    "PUT /api/apps/{app}/config": [data, bad],
    "POST /api/apps/{app}/config/{path}": [{ value: secret }, { valeu: wrong }],
    "PUT /api/apps/{app}/config/{path}": [{ value: secret }, { value: { a: secret } }],
    "POST /api/apps/{app}/validate": [data, { data }, bad],
    "POST /configs": [
      { name: "other", data, schema, message: `with ${secret}` },
      { name: "other", data: bad, schema },
      { name: wrong, data: 1 },
    ],
    "PUT /configs/{name}": [
      { data, message: `it is ${secret}` },
      { data: bad, message: `it is ${wrong}` },
    ],
    "POST /login": [{ user: "ann", password: wrong }],
  };
}

const there: Readonly<Record<string, readonly string[]>> = {
  section: ["mail", "system"],
  key: ["password", "host"],
  app: ["shop"],
  revision: ["1", "2", "3"],
};

function known(name: string, path: string): readonly string[] {
  if (name === "name")
    return path.startsWith("/configs")
      ? ["shop"]
      : path.includes("/environment")
        ? ["DB_PASSWORD"]
        : ["told", "probed"];
  if (name === "path") return path.startsWith("/api/apps") ? ["login/password", "pinned"] : Object.values(places);
  return there[name] ?? ["nobody"];
}

function urlsOf(path: string, { parameters = [] }: Operation): string[] {
  const filled = parameters
    .filter((one) => one.in === "path")
    .reduce(
      (urls, { name }) => urls.flatMap((url) => known(name, path).map((value) => url.replace(`{${name}}`, value))),
      [path],
    );
  return path.endsWith("/diff") ? ["?from=1&to=2", "?from=2&to=3", "?from=1"].map((query) => path + query) : filled;
}

/** The keys that the walk is made with, and the tokens of a person. */
export async function letIn(ask: Ask, flock: Flock, keys: readonly string[]): Promise<Who[]> {
  const login = { user: "ann", password: flock.canary("password") };
  const answer: Answered = await ask({ method: "POST", url: "/api/v1/login", body: login, reveals: true });
  const { access, refresh } = JSON.parse(answer.text) as { readonly access: string; readonly refresh: string };
  for (const made of [access, refresh, ...keys]) flock.add("made", made);
  const wrong = flock.canary("wrong");
  return [
    ...keys.map((key) => ({ "x-api-key": key })),
    { authorization: `Bearer ${access}` },
    { "x-api-key": wrong },
    { authorization: `Bearer ${wrong}` },
    { authorization: `Basic ${Buffer.from(`ann:${wrong}`).toString("base64")}` },
  ];
}
