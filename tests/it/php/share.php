<?php
// A worker that prints the id of each job, and keeps its first job until a line comes in:
// share.php HOST PORT FUNCTION
[, $host, $port, $function] = $argv;

$worker = new GearmanWorker();
$worker->addServer($host, (int) $port);

$first = true;
$worker->addFunction($function, function (GearmanJob $job) use (&$first) {
    $order = json_decode($job->workload(), true, flags: JSON_THROW_ON_ERROR);
    if ($order['text'] !== "grüße \0 {$order['id']}") {
        fwrite(STDERR, "not what was submitted: {$job->workload()}\n");
        exit(1);
    }
    echo $order['id'], "\n";
    if ($first) {
        $first = false;
        fgets(STDIN);
    }
});

while ($worker->work());
