import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from "@opentelemetry/resources";

/**
 * What metrics and traces say of where they come from: the service `servehttp`, or what
 * OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES of the process say.
 */
export function hostResource(): Resource {
  return defaultResource()
    .merge(resourceFromAttributes({ "service.name": "servehttp" }))
    .merge(detectResources({ detectors: [envDetector] }));
}
