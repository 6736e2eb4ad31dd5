/** A server that is well, or answers with everything that it was ever sent, in several spellings. */
import { type Answer, type Seen, startHttpService } from "../../../support/http-service.ts";
import type { Flock } from "./canaries.ts";

export interface HttpService {
  readonly url: string;
  /** From now on nothing is right. */
  readonly fallIll: () => void;
  readonly recover: () => void;
  readonly stop: () => Promise<void>;
}

export async function startEcho(flock: Flock): Promise<HttpService> {
  let isWell = true;
  const refuse = (seen: Seen): Answer => ({ status: 500, body: tellAll(seen) });
  const whileWell = (answer: Answer) => (seen: Seen) => (isWell ? answer : refuse(seen));
  const service = await startHttpService(
    new Proxy(
      {},
      {
        get: (_answers, path) => {
          if (String(path).startsWith("/login"))
            return whileWell({ body: JSON.stringify({ jwt: flock.canary("made") }) });
          if (String(path).startsWith("/push.git")) return askForPassword(refuse);
          if (String(path).startsWith("/supervisord")) return refuse;
          return whileWell({ body: "well" });
        },
      },
    ),
  );
  return {
    url: service.url,
    fallIll: () => {
      isWell = false;
    },
    recover: () => {
      isWell = true;
    },
    stop: service.stop,
  };
}

/** git shows its password only to who asks for it. */
function askForPassword(refuse: (seen: Seen) => Answer) {
  return (seen: Seen): Answer =>
    seen.headers.authorization === undefined
      ? { status: 401, headers: { "www-authenticate": "Basic realm=push" } }
      : { ...refuse(seen), headers: { "content-type": "text/plain" } };
}

function tellAll(seen: Seen): string {
  const { authorization = "" } = seen.headers;
  const [, code = ""] = authorization.split(" ");
  const spellings = [
    Buffer.from(code, "base64").toString(),
    seen.body,
    encodeURIComponent(seen.body),
    Buffer.from(seen.body).toString("base64"),
    seen.body.replaceAll(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`),
  ];
  return `${seen.path}\n${JSON.stringify(seen.headers)}\n${spellings.join("\n")}`.slice(0, 3000);
}
