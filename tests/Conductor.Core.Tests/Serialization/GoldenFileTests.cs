using System.Runtime.CompilerServices;
using System.Text;
using Conductor.Serialization;

namespace Conductor.Tests.Serialization;

/// <summary>
/// Files in today's format, one line of <see cref="RecordCodec"/> each. They are what users have on their disks: never change one. A new record
/// gets a file by CONDUCTOR_WRITE_GOLDEN=1, which writes those that are missing.
/// </summary>
public sealed class GoldenFileTests
{
    private static readonly RecordCodec _codec = new();

    public static TheoryData<string> Stored => [.. Lines().Keys];

    [Theory]
    [MemberData(nameof(Stored))]
    public async Task Record_IsWrittenAsItAlwaysWas(string name)
    {
        var path = Path.Combine(Folder(), $"{name}.txt");
        var line = Encoding.UTF8.GetString(Lines()[name].Line) + "\n";
        if (!File.Exists(path) && Environment.GetEnvironmentVariable("CONDUCTOR_WRITE_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(path, line);
        }

        File.Exists(path).Should().BeTrue("every stored record has a golden file: write it with CONDUCTOR_WRITE_GOLDEN=1");
        (await File.ReadAllTextAsync(path)).Should().Be(line);
    }

    [Theory]
    [MemberData(nameof(Stored))]
    public async Task GoldenFile_IsReadAsItWasMeant(string name)
    {
        var golden = await File.ReadAllTextAsync(Path.Combine(Folder(), $"{name}.txt"));
        Encoding.UTF8.GetString(Lines()[name].ReadAndWrite(Encoding.UTF8.GetBytes(golden.TrimEnd('\n')))).Should().Be(golden.TrimEnd('\n'));
    }

    [Fact]
    public async Task Result_OfANewerVersion_IsReadAndItsUnknownMembersAreKept()
    {
        var golden = (await File.ReadAllTextAsync(Path.Combine(Folder(), "future", "TaskResult.txt"))).TrimEnd('\n');
        var result = _codec.Decode<TaskResult>(Encoding.UTF8.GetBytes(golden), "task_result:t");
        result.TaskId.Should().Be("t");
        Encoding.UTF8.GetString(_codec.Encode(result)).Should().Be(golden);
    }

    private static Dictionary<string, (byte[] Line, Func<byte[], byte[]> ReadAndWrite)> Lines()
    {
        var lines = new Dictionary<string, (byte[], Func<byte[], byte[]>)>(StringComparer.Ordinal);
        Add(Sample<AgentState>());
        Add(Sample<TaskResult>());
        Add(Sample<ErrorRecord>());
        Add(Sample<WorkflowDefinition>());
        Add(Sample<WorkflowSummary>());
        Add(Sample<PhaseRecord>());
        Add(Sample<FeedbackRound>());
        Add(Sample<WorkflowLogEntry>());
        Add(Sample<TaskRedelivery>());
        Add<WorkflowEvent[]>([Sample<WorkflowEvent>()], "WorkflowEvents");
        Add<TaskData>(TaskData.From(42), "TaskData");
        Add("agent-1", "Agent");
        return lines;

        void Add<T>(T record, string? name = null) => lines[name ?? typeof(T).Name] =
            (_codec.Encode(record), line => _codec.Encode(_codec.Decode<T>(line, "golden")));
    }

    private static T Sample<T>() => Samples.All.OfType<T>().Single();

    private static string Folder([CallerFilePath] string file = "") => Path.Combine(Path.GetDirectoryName(file)!, "Golden");
}
