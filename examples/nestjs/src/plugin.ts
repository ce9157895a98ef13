import "reflect-metadata";
import { Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { DocumentBuilder, SwaggerModule } from "@nestjs/swagger";
import { servePlugin } from "@servehttp/plugin-sdk";
import { ChatGateway } from "./chat.gateway.js";
import { NotesController } from "./notes.controller.js";

@Module({ controllers: [NotesController], providers: [ChatGateway] })
class AppModule {}

const app = await NestFactory.create(AppModule);
const description = new DocumentBuilder().setTitle("Notes").addServer("./").build();
SwaggerModule.setup("docs", app, SwaggerModule.createDocument(app, description));

// In place of app.listen(): the host has the port.
await app.init();
await servePlugin(app.getHttpServer());
