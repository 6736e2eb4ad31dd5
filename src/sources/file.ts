import type { Layer } from "../config/layers.ts";
import { formatPath } from "../config/path.ts";
import type { PathTest } from "../config/pattern.ts";
import { substitute } from "../config/substitute.ts";
import { type DocumentFileOptions, decodeDocument, documentFile, invalidSource } from "./document-file.ts";
import { editDocument, sealDocument } from "./edit-document.ts";
import { createEntryReader } from "./ini-entries.ts";
import type { Sealing } from "./sealed.ts";
import type { Source } from "./source.ts";

export interface FileSourceOptions extends DocumentFileOptions {
  readonly protected: boolean;
  /** Whether `${VAR}` and `${section.key}` in values are filled in. Off for files that were not written with it in mind. */
  readonly substitute: boolean;
  readonly secretPaths: PathTest;
  readonly sealing?: Sealing | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** config.ini or system.ini: a file in the INI dialect of Python's configparser. */
export function fileSource(options: FileSourceOptions): Source {
  const { path, name, substitute, secretPaths, sealing = { app: "" } } = options;
  const readEntries = createEntryReader(options);
  const read = (bytes: Buffer): Layer => {
    const text = decodeDocument(bytes, name);
    refuseEmpty(text, name);
    return { source: name, protected: options.protected, entries: readEntries(text), document: bytes };
  };
  return {
    name,
    protected: options.protected,
    ...documentFile(options, read),
    complete: (own, others) => (substitute ? fillIn(own, others, options) : own),
    document: {
      path,
      read,
      edit: (bytes, edits) => editDocument(bytes, edits, { substitute, secretPaths, sealing }),
      seal: (bytes, which) => sealDocument(bytes, which, { secretPaths, sealing }),
    },
  };
}

/** Nothing but blanks and comments is what a program that was cut off leaves behind: it does not mean "no values". */
function refuseEmpty(text: string, name: string): void {
  const nothing = /^\uFEFF?(?:[ \t\f\v]*(?:[#;].*)?(?:\r\n|\n|\r|$))*$/.test(text);
  if (nothing) throw invalidSource("The file is empty: it holds no section", { file: name }, "Restore its content");
}

function fillIn(layer: Layer, others: readonly Layer[], { environment }: FileSourceOptions): Layer {
  const values = new Map(
    strongestLast(others).flatMap(({ entries }) => entries.map(({ path, value }) => [formatPath(path), value])),
  );
  const entries = substitute(layer.entries, {
    environment: (variable) => environment[variable],
    other: (path) => values.get(formatPath(path)),
  });
  return { ...layer, entries };
}

function strongestLast(layers: readonly Layer[]): readonly Layer[] {
  return [...layers.filter((layer) => !layer.protected), ...layers.filter((layer) => layer.protected)];
}
