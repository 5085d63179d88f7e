// What `peapod spec` prints: a small pod with everything that one usually needs, explained line by line.

/** A manifest that parses without faults; it runs once ./rootfs holds a root file system with busybox. */
export function makeSpec(): string {
  return `# A pod: containers that live as one host. Run it with: peapod run pod.yaml
# The words are Kubernetes'. ./rootfs is a directory with a root file system; a static busybox will do:
#   mkdir -p rootfs/bin && cp /bin/busybox rootfs/bin/ && chroot rootfs /bin/busybox --install -s /bin
apiVersion: v1
kind: Pod
metadata:
  name: hello
  labels:
    app: hello
  # annotations:
  #   peapod/share: net,ipc,uts          # which namespaces the containers share
  #   peapod/namespaces.client: net=host # and what one container has otherwise
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 5 # from SIGTERM to SIGKILL
  # hostname: hello                # absent: the pod's name
  # shareProcessNamespace: true    # the containers see each other's processes
  volumes:
    - name: site
      emptyDir: {} # goes with the pod; with "medium: Memory" it is a tmpfs
    # - name: config
    #   hostPath:
    #     path: /etc/hello
    #     type: Directory
  containers:
    - name: server
      image: rootfs:./rootfs # never written to: each container gets an overlay of its own
      command: ["/bin/sh", "-c"]
      args:
        - |
          echo "hello from $(hostname)" > /site/index.html
          exec httpd -f -p 8080 -h /site
      volumeMounts:
        - name: site
          mountPath: /site
      resources:
        limits:
          cpu: 500m # half a core
          memory: 64Mi
    - name: client
      image: rootfs:./rootfs
      command: ["/bin/sh", "-c", "until wget -q -O - http://localhost:8080; do sleep 0.1; done"]
      env:
        - name: LANG
          value: C
      volumeMounts:
        - name: site
          mountPath: /site
          readOnly: true
      securityContext:
        runAsUser: 1000
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
`;
}
