/** Handlebars as one file, made for browsers: as typed as the package itself. */
declare module "handlebars/dist/handlebars.min.js" {
  export { default } from "handlebars";
}
