<?php
// Submits background jobs as an application does: submit.php HOST PORT FUNCTION COUNT
[, $host, $port, $function, $count] = $argv;

$client = new GearmanClient();
$client->addServer($host, (int) $port);

for ($id = 0; $id < (int) $count; $id++) {
    $client->doBackground($function, json_encode(['id' => $id, 'text' => "grüße \0 $id"]));
    if ($client->returnCode() !== GEARMAN_SUCCESS) {
        fwrite(STDERR, "job $id: {$client->error()}\n");
        exit(1);
    }
}
