import type { NodeHandler } from "@servehttp/plugin-sdk";
import { ApolloServer } from "@apollo/server";
import { expressMiddleware } from "@as-integrations/express5";
import express from "express";
import { createSchema, createYoga } from "graphql-yoga";
import { Occasion } from "./occasion.js";

/** GraphQL Yoga at `/yoga`, Apollo Server at `/apollo`, in one Express application. */
export async function graphqlApp(): Promise<NodeHandler> {
  const app = express();
  app.use(yogaApp());
  const apollo = new ApolloServer({
    typeDefs: "type Query { hello(name: String!): String! fails: String }",
    resolvers: {
      Query: {
        hello: (_: unknown, { name }: { name: string }) => `hello ${name}`,
        fails: () => {
          throw new Error("it fails");
        },
      },
    },
    includeStacktraceInErrorResponses: false,
  });
  await apollo.start();
  app.use("/apollo", express.json(), expressMiddleware(apollo));
  return { node: app };
}

function yogaApp(): express.Router {
  const left = new Occasion();
  const schema = createSchema({
    typeDefs: `
      type Query { hello(name: String!): String! left: String! }
      type Mutation { size(file: File!): Int! }
      type Subscription { countsTo(last: Int!): Int! stands: Int! }
      scalar File
    `,
    resolvers: {
      Query: {
        hello: (_: unknown, { name }: { name: string }) => `hello ${name}`,
        left: async () => {
          await left.next();
          return "left";
        },
      },
      Mutation: { size: (_: unknown, { file }: { file: File }) => file.size },
      Subscription: {
        countsTo: {
          async *subscribe(_: unknown, { last }: { last: number }) {
            for (let countsTo = 1; countsTo <= last; countsTo++) {
              yield { countsTo };
            }
          },
        },
        stands: {
          async *subscribe(_: unknown, __: unknown, context: { request: Request }) {
            const { promise, resolve } = Promise.withResolvers<void>();
            context.request.signal.addEventListener("abort", () => resolve());
            yield { stands: 1 };
            await promise;
            left.happens();
          },
        },
      },
    },
  });
  // Yoga compares the whole path, as it does wherever Express has mounted it.
  const graphqlEndpoint = `${process.env["SERVEHTTP_BASE_PATH"] ?? ""}/yoga`;
  return express.Router().use("/yoga", createYoga({ schema, graphqlEndpoint, logging: false }));
}
