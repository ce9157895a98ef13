{{- define "servehttp.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* What a plugin's id is in names: list of the context and the id. */ -}}
{{- define "servehttp.pluginName" -}}
{{- printf "%s-%s" (include "servehttp.name" (index . 0)) (index . 1) -}}
{{- end -}}

{{- define "servehttp.matchLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "servehttp.labels" -}}
{{ include "servehttp.matchLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "servehttp.hostLabels" -}}
{{ include "servehttp.matchLabels" . }}
app.kubernetes.io/component: host
{{- end -}}

{{- /* List of the context and the id. */ -}}
{{- define "servehttp.pluginLabels" -}}
{{ include "servehttp.matchLabels" (index . 0) }}
app.kubernetes.io/component: plugin
servehttp.plugin: {{ index . 1 }}
{{- end -}}

{{- /* The values of a plugin with the defaults below them, as YAML: list of the context and the values. */ -}}
{{- define "servehttp.plugin" -}}
{{- $root := index . 0 -}}
{{- mergeOverwrite (deepCopy $root.Values.pluginDefaults) (deepCopy (index . 1 | default dict)) | toYaml -}}
{{- end -}}

{{- /* List of the context, the image's values and a repository in place of an empty one. */ -}}
{{- define "servehttp.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $repository := $image.repository | default (index . 2) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository ($image.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "servehttp.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "servehttp.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end -}}

{{- /* Spreads pods over zones and nodes: labels as YAML. */ -}}
{{- define "servehttp.spread" -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- $ | nindent 6 }}
  # A rollout counts its own pods alone.
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}

{{- /* Where pods go: the values of the host or of a plugin. */ -}}
{{- define "servehttp.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "servehttp.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* The variable of the environment that has a plugin's token: the id. */ -}}
{{- define "servehttp.tokenVariable" -}}
{{- printf "SERVEHTTP_TOKEN_OF_%s" (. | upper | replace "-" "_") -}}
{{- end -}}

{{- /* The name of a plugin's Service in DNS: list of the context and the id. */ -}}
{{- define "servehttp.pluginHost" -}}
{{- $root := index . 0 -}}
{{- printf "%s.%s.svc.%s" (include "servehttp.pluginName" .) $root.Release.Namespace $root.Values.clusterDomain -}}
{{- end -}}

{{- /* The command's config, as an object in JSON. */ -}}
{{- define "servehttp.config" -}}
{{- $root := . -}}
{{- $plugins := dict -}}
{{- range $id, $given := .Values.plugins }}
{{- $plugin := include "servehttp.plugin" (list $root $given) | fromYaml }}
{{- $host := include "servehttp.pluginHost" (list $root $id) }}
{{- $place := dict "url" (printf "dns:///%s:%v" $host $plugin.port) }}
{{- if eq $root.Values.discovery "endpointslices" }}
{{- $service := include "servehttp.pluginName" (list $root $id) }}
{{- $place = dict "target" (printf "kubernetes:///%s.%s:grpc" $service $root.Release.Namespace) }}
{{- end }}
{{- if $plugin.tokenSecret.name }}
{{- $_ := set $place "token" (printf "${%s}" (include "servehttp.tokenVariable" $id)) }}
{{- end }}
{{- if $root.Values.mtls.enabled }}
{{- $tls := dict "caFile" "/etc/servehttp/tls/ca.crt" "certFile" "/etc/servehttp/tls/tls.crt" "keyFile" "/etc/servehttp/tls/tls.key" "servername" $host }}
{{- $_ := set $place "tls" $tls }}
{{- end }}
{{- $_ := set $plugins $id (mergeOverwrite $place $plugin.options) }}
{{- end }}
{{- $name := include "servehttp.name" . -}}
{{- $admin := dict "address" ":9090" "tokenFile" "/etc/servehttp/admin/token" "required" .Values.host.required "hosts" (list (printf "%s-admin" $name) (printf "%s-admin.%s" $name .Release.Namespace) (printf "%s-admin.%s.svc" $name .Release.Namespace)) -}}
{{- $config := dict "listen" ":8080" "log" "json" "admin" $admin "lameDuckMs" (mul .Values.host.lameDuckSeconds 1000) "timeouts" (dict "drainMs" (mul .Values.host.drainSeconds 1000)) "plugins" $plugins -}}
{{- mergeOverwrite $config (deepCopy .Values.host.config) | toPrettyJson -}}
{{- end -}}
