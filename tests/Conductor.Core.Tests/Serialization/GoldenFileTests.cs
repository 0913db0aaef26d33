using System.Reflection;
using System.Text;
using Conductor.Serialization;
using Conductor.State;
using Conductor.Tests.House;

namespace Conductor.Tests.Serialization;

/// <summary>
/// Files in today's format, one line of <see cref="RecordCodec"/> each. They are what users have on their disks: never change one. A new record
/// gets a file by CONDUCTOR_WRITE_GOLDEN=1, which writes those that are missing and fails, so that it is never set where tests are trusted.
/// </summary>
public sealed class GoldenFileTests
{
    private static readonly RecordCodec _codec = new();

    public static TheoryData<string> Stored => [.. Files().Keys];

    [Theory]
    [MemberData(nameof(Stored))]
    public async Task Record_IsWrittenAsItAlwaysWas(string name)
    {
        var line = Encoding.UTF8.GetString(Files()[name].Write()) + "\n";
        if (!File.Exists(PathOf(name)) && Environment.GetEnvironmentVariable("CONDUCTOR_WRITE_GOLDEN") == "1")
        {
            await File.WriteAllTextAsync(PathOf(name), line);
            Assert.Fail($"{PathOf(name)} was missing and is written now. Look at it, commit it, and run the tests without CONDUCTOR_WRITE_GOLDEN.");
        }

        File.Exists(PathOf(name)).Should().BeTrue("every stored record has a golden file: write it with CONDUCTOR_WRITE_GOLDEN=1");
        (await File.ReadAllTextAsync(PathOf(name))).Should().Be(line);
    }

    [Theory]
    [MemberData(nameof(Stored))]
    public async Task GoldenFile_IsReadAsItWasMeant(string name)
    {
        var file = Files()[name];
        file.Read(await LineAsync(PathOf(name))).ShouldBeTheRecord(file.Record);
    }

    [Theory]
    [MemberData(nameof(Stored))]
    public async Task GoldenFile_ReadAndWritten_IsTheSame(string name)
    {
        var line = await LineAsync(PathOf(name));
        Encoding.UTF8.GetString(Files()[name].ReadAndWrite(line)).Should().Be(Encoding.UTF8.GetString(line));
    }

    [Fact]
    public async Task Result_OfANewerVersion_IsReadAndItsUnknownMembersAreKept()
    {
        var golden = await LineAsync(Path.Combine(Folder(), "future", "TaskResult.txt"));
        var result = _codec.Decode<TaskResult>(golden, "task_result:t");
        result.TaskId.Should().Be("t");
        Encoding.UTF8.GetString(_codec.Encode(result)).Should().Be(Encoding.UTF8.GetString(golden));
    }

    [Fact]
    public void GoldenFiles_AreThoseOfTheRecordsThatAreStored() =>
        Directory.GetFiles(Folder()).Select(static path => Path.GetFileName(path)).Should().BeEquivalentTo(Files().Keys.Select(static name => $"{name}.txt"));

    [Fact]
    public void EveryTypeThatAStoreIsGiven_HasAGoldenFile()
    {
        var given = new[] { typeof(StateManager), typeof(EffectStore) }
            .SelectMany(static store => store.GetMethods().Where(static method => method.Name.StartsWith("Save") || method.Name.StartsWith("Record")))
            .SelectMany(static method => method.GetParameters().Select(static parameter => parameter.ParameterType))
            .Concat(typeof(WorkflowTransition).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(static member => ItemOf(member.PropertyType)))
            .Where(static type => type.Assembly == typeof(StateManager).Assembly && type != typeof(StateExpectation) && type != typeof(EffectKey))
            .Distinct();

        Files().Values.Select(static file => ItemOf(file.Type)).Should().Contain(given);
    }

    private static Dictionary<string, GoldenFile> Files()
    {
        var files = new Dictionary<string, GoldenFile>(StringComparer.Ordinal);
        Add(Sample<AgentState>());
        Add(Sample<TaskResult>());
        Add(Sample<ErrorRecord>());
        Add(Sample<WorkflowDefinition>());
        Add(Sample<WorkflowSummary>());
        Add(Sample<WorkflowState>());
        Add(Sample<PhaseRecord>());
        Add(Sample<FeedbackRound>());
        Add(Sample<WorkflowLogEntry>());
        Add(Sample<TaskRedelivery>());
        Add(Sample<Lease>() with { Term = null });
        Add(Sample<Lease>(), "LeaseWithTerm");
        Add<WorkflowEvent[]>([Sample<WorkflowEvent>()], "WorkflowEvents");
        Add<TaskData>(TaskData.From(42), "TaskData");
        Add("agent-1", "Agent");
        return files;

        void Add<T>(T record, string? name = null)
            where T : notnull => files[name ?? typeof(T).Name] = new GoldenFile(
                typeof(T), record, () =>
                    _codec.Encode(record), line => _codec.Decode<T>(line, "golden"), line => _codec.Encode(_codec.Decode<T>(line, "golden")));
    }

    private static T Sample<T>() => Samples.All.OfType<T>().Single();

    private static Type ItemOf(Type type) => type.GetElementType() ?? (type.IsGenericType ? type.GetGenericArguments()[^1] : type);

    private static async Task<byte[]> LineAsync(string path) => Encoding.UTF8.GetBytes((await File.ReadAllTextAsync(path)).TrimEnd('\n'));

    private static string PathOf(string name) => Path.Combine(Folder(), $"{name}.txt");

    private static string Folder() => Path.Combine(SourceTree.Root, "tests", "Conductor.Core.Tests", "Serialization", "Golden");

    private sealed record GoldenFile(Type Type, object Record, Func<byte[]> Write, Func<byte[], object> Read, Func<byte[], byte[]> ReadAndWrite);
}
